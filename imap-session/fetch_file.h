/*
 * A letter's file while its octets are fetched.  Small ones are read at once;
 * of large ones it is remembered where their lines are, so that who fetches
 * one in pieces, command after command, does not pay for all of it each time.
 */
#ifndef IMAP_SESSION_FETCH_FILE_H
#define IMAP_SESSION_FETCH_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/mime.h"
#include "lib/mail/part_text.h"
#include "lib/store/folder.h"

#define FETCH_FILE_SMALL	(128 * 1024)	/* octets read at once */
#define FETCH_FILE_PIECE	65536

/* Takes octets.  0, or -1 to stop. */
typedef int	(*fetch_sink)(void *ctx, const char *data, size_t len);

struct fetch_file {
	int		 fd;		/* of a large one, or -1 */
	uint32_t	 validity, uid;	/* 0: none is open */
	uint64_t	 size;		/* stored */
	struct buf	 data;		/* all of a small one, else a piece */
	bool		 parsed;
	struct mime	 mime;
	struct buf	 wire;		/* a result */

	/* Of a large one: added[i] CRs are added to the first i pieces. */
	uint64_t	*added;
	size_t		 nadded;

	/* BINARY of a large one: what was decoded last, and how far. */
	uint32_t	 part;		/* MIME_NONE: none */
	uint64_t	 part_size;	/* decoded */
	uint64_t	 part_at;
	struct part_text part_text;
};

void	 fetch_file_init(struct fetch_file *);
void	 fetch_file_free(struct fetch_file *);
/*
 * The letter, opened unless it is the one that is open; size, as far as it is
 * known, saves a call.  0, or -1 with errno (ENOENT: it is gone).
 */
int	 fetch_file_open(struct fetch_file *, struct folder *,
	    uint32_t validity, uint32_t uid, uint64_t size);
/* Done for now: gives back what need not be kept. */
void	 fetch_file_close(struct fetch_file *);
bool	 fetch_file_is_small(const struct fetch_file *);
/* Have f->mime.  0 or -1. */
int	 fetch_file_parse(struct fetch_file *);
/* Octets of all of it on the wire.  0 or -1. */
int	 fetch_file_wire(struct fetch_file *, uint64_t *wire);
/*
 * Give len octets of the wire form of a span, from the first-th on; it begins
 * a line.  0, or -1 with errno: EIO when the file is shorter.
 */
int	 fetch_file_send(struct fetch_file *, const struct mime_span *,
	    uint64_t first, uint64_t len, fetch_sink, void *ctx);

#endif
