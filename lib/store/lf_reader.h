/*
 * A message from the spool, read with LF line ends, as mailboxes store it.
 *
 * CRLF becomes LF, but a CRLF after a CR stays.  Who sends a stored message
 * puts a CR before each LF that has none: so everything without a bare LF
 * comes out as it came in, CR CR LF too, and a file that other software stored
 * with CRLF is sent as it is.  The wire size is stored + the LFs without CR.
 */
#ifndef STORE_LF_READER_H
#define STORE_LF_READER_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define LF_READER_PIECE	65536	/* octets a pread, and the least buffer */

struct lf_reader {
	struct slice	 head;		/* CRLF lines, before the file's */
	int		 fd;		/* read by pread: its offset stays */
	off_t		 offset;
	uint64_t	 left;		/* octets of the file */
	uint64_t	 stored;	/* given out so far */
	uint64_t	 wire;		/* of these, with CRs */
	char		 last;		/* octet taken in */
};

/* Read head, then len octets of fd from offset; head is borrowed. */
void	 lf_reader_init(struct lf_reader *, struct slice head, int fd,
	    off_t offset, uint64_t len);
/*
 * Fill buf, size at least LF_READER_PIECE, as far as one piece of the file
 * goes.  Octets given, 0 at the end, or -1 with errno: EIO when the file is
 * shorter than was said.
 */
ssize_t	 lf_reader_next(struct lf_reader *, char *buf, size_t size);

/*
 * The same for octets that come some other way, in place: the new length.  p
 * must not begin with the LF of a CRLF, so a CR at the end is kept back until
 * more has come.  Of r, zeroed at first, only stored, wire and last are used.
 */
size_t	 lf_reader_convert(struct lf_reader *r, char *p, size_t len);

#endif
