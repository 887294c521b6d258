/*
 * A Maildir as one POP3 session sees it: the messages that were there at
 * login, numbered by ascending UIDs, marks, and nothing changed before QUIT.
 */
#ifndef POP3_SESSION_MAILBOX_H
#define POP3_SESSION_MAILBOX_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/uidlist.h"

enum mailbox_mark {
	MAILBOX_DELETED = 1,		/* DELE: removed at QUIT */
	MAILBOX_RETRIEVED = 2,		/* RETR: Seen at QUIT */
	MAILBOX_MISSING = 4		/* not there when we last looked */
};

struct mailbox {
	char			*dir;		/* HOME/Maildir */
	int			 cur, new;	/* directories */
	int			 lock;		/* pop3.lock */
	struct uidlist		 list;
	unsigned char		*mark;		/* list.n times enum
						 * mailbox_mark bits */
	char			**renamed;	/* list.n names that are not
						 * the list's, or NULL */
	size_t			 ndeleted;
	int64_t			 looked;	/* monotonic ms, or 0 */
};

enum mailbox_status {
	MAILBOX_OK,
	MAILBOX_IN_USE,		/* another POP3 session has it */
	MAILBOX_TOO_SOON,	/* login-delay has not passed */
	MAILBOX_DENIED,		/* errno: not with these permissions */
	MAILBOX_ERROR		/* errno: not now */
};

/*
 * Lock HOME/Maildir for this session, made when missing, and list it.
 * login_delay: seconds between logins (RFC 2449 6.5), kept in the lock
 * file's mtime.  On a full or read-only disk the directory is locked in the
 * file's place, so that mail can be read and removed.  To be called in the
 * process that serves the session: an OFD lock is shared over fork(2).  Unless
 * MAILBOX_OK nothing is left to close.
 */
enum mailbox_status	 mailbox_open(struct mailbox *, const char *home,
			    unsigned int login_delay);
/* Let the next session in; nothing may be changed any more. */
void			 mailbox_unlock(struct mailbox *);
void			 mailbox_close(struct mailbox *);

/* The directory that holds message i's file: cur, or new if it cannot move. */
int	 mailbox_folder(const struct mailbox *, size_t i);
/* Message i's file is called so now; name becomes the mailbox's to free. */
void	 mailbox_renamed(struct mailbox *, size_t i, char *name);

/*
 * Open message i for reading; its size into *size.  A file whose name was
 * changed meanwhile (flags) is found by its UID.  The descriptor, or -1 with
 * errno; ENOENT: it is gone.
 */
int	 mailbox_message(struct mailbox *, size_t i, off_t *size);
/*
 * Message i was not there under its name: read cur/ again, at most once
 * in a while, and correct all names.  False: it is not there at all.
 */
bool	 mailbox_find(struct mailbox *, size_t i);

#endif
