/*
 * ID.s beside a queued message ID: what has become of each recipient.  Written
 * by queue-runner alone; exists for several recipients, or after a first
 * failed try.  Its modification time is the time of the next try.
 *
 *	merpati-state 2
 *	arrived 1763740000
 *	size 12345
 *	from alice@example.org		"from " alone: the null sender
 *	warned -			W once a delay warning was made
 *	rcpts 2
 *	P 0000 bob@example.org notify=FAILURE orcpt=rfc822;info@example.org
 *	D 0000 carol@example.com owner=list-owner@example.org tries=3
 *	end
 *	1763740010 0 4.2.2 - mailbox is full
 *	1763740910 * 4.3.2 mx.example.com 450 4.3.2 come back later
 *
 * Values are xtext.  The letter and the batch before each recipient and the
 * letter after "warned" are overwritten in place; after "end" a line a try is
 * appended: time, recipient number (from 0; "*" every pending one), code, the
 * host that said so or "-", text.  "tries" is how many there were before those
 * lines; "expand=1" says that aliases were not looked up yet.  Format 1, still
 * read, had no host.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_TEXT_MAX	512	/* of a try, NUL included */
#define STATE_HOST_MAX	512	/* of a host or path, NUL included */
#define STATE_MAX	(64 * 1024 * 1024)	/* octets of a file read */
#define STATE_BATCHES	9999

enum state_letter {
	STATE_PENDING = 'P',
	STATE_DONE = 'D',
	STATE_FAILED = 'F',	/* bounced, or not to be told */
	STATE_BOUNCING = 'B',	/* its bounce, by batch, is being made */
	STATE_SUCCEEDING = 'S'	/* delivered; its success notice, by batch, is
				 * being made */
};

struct state_rcpt {
	enum state_letter	 letter;
	unsigned int		 batch;		/* of B and S */
	char			*address;
	char			*orcpt;		/* decoded, or NULL */
	char			*owner;		/* its sender, when it is not
						 * the message's */
	int			 notify;	/* enum dsn_notify bits */
	bool			 expand;	/* perhaps an alias, whose results are to
						 * take its place */
	off_t			 offset;	/* of the letter in the file */
	unsigned int		 tries;		/* that failed */
	/* The last try; when below 0: not to be written. */
	int64_t			 when;
	char			 code[12];
	char			*host;		/* whose words text is, or
						 * NULL: ours */
	char			*text;		/* NULL: none */
};

struct state {
	int64_t			 arrived;	/* seconds since 1970 */
	uint64_t		 size;		/* of the message */
	char			*from;
	bool			 warned;
	off_t			 warned_offset;
	struct state_rcpt	*rcpts;
	size_t			 nrcpts;
	size_t			 room;		/* of rcpts, internal */
	uint64_t		 tries;		/* lines after "end" */
	off_t			 end;		/* where the next line goes */
	off_t			 head;		/* just after "end" */
	bool			 torn;		/* rubbish follows that */
	bool			 old;		/* format 1: write it anew */
};

enum state_status {
	STATE_OK,
	STATE_PARTIAL,	/* no "end": it was never whole, so never used */
	STATE_CORRUPT,
	STATE_ERROR	/* errno */
};

void	 state_init(struct state *);
void	 state_free(struct state *);
/* Append a pending recipient; strings are copied. */
struct state_rcpt	*state_add(struct state *, const char *address,
			    const char *orcpt, const char *owner, int notify);
/* Forget, in memory, recipients beyond the first n. */
void	 state_cut(struct state *, size_t n);
/* Remember a failed try in memory; host may be NULL. */
void	 state_note(struct state_rcpt *, int64_t when, const char *code,
	    const char *host, const char *text);

/* Read the whole file by pread.  why: static text on STATE_CORRUPT. */
enum state_status	 state_read(int fd, struct state *out,
			    const char **why);
/*
 * Write it anew as name in the directory: a dot-name, renamed over what is
 * there; durable when sync is true.  The last try of each recipient is kept,
 * older ones are not.  Offsets in the struct are set.  The
 * descriptor (read and write), or -1 with errno.
 */
int	 state_create(int dir, const char *name, struct state *, bool sync);

/*
 * In place.  All 0, or -1 with errno.  None syncs: a lost D is a delivery that
 * is found done; before a bounce is made of a B the caller fsyncs.
 */
int	 state_set_letter(int fd, struct state_rcpt *, enum state_letter,
	    unsigned int batch);
int	 state_set_warned(int fd, struct state *);
/* number -1 stands for every pending recipient. */
int	 state_add_try(int fd, struct state *, int64_t when, long number,
	    const char *code, const char *host, const char *text);
/* The file's modification time; call it last. */
int	 state_set_next(int fd, int64_t when);

#endif
