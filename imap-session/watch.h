/*
 * Waiting for the client and for news of mailboxes at once: a wake socket
 * (wake.h), inotify where it is to be had, and a look now and then for those
 * who tell nobody.
 */
#ifndef IMAP_SESSION_WATCH_H
#define IMAP_SESSION_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/stream.h"
#include "lib/store/account.h"
#include "lib/store/wake.h"

struct watch {
	char	*dir;		/* as in folder_open(), "*": all; NULL: none */
	struct wake wake;
	int	 inotify;	/* -1 */
	int64_t	 look;		/* ms: look then, news or not */
};

enum watch_event {
	WATCH_CLIENT,		/* something to read, or an end */
	WATCH_NEWS,		/* look at the mailbox */
	WATCH_TIME,
	WATCH_STOP
};

void	 watch_init(struct watch *);
/* Without descriptors to be had it is the look now and then. */
void	 watch_open(struct watch *, const struct account *, const char *dir);
void	 watch_close(struct watch *, const struct account *);
/* Go on with a wake socket (name in w->wake) that another process listened to. */
void	 watch_adopt(struct watch *, const struct account *, const char *dir,
	    int wake);
/*
 * Does inotify tell what any other program changes?  On a network's file system
 * some of it is only seen by looking.
 */
bool	 watch_is_local(const struct account *);
/*
 * A look brought something: another one is due soon, as changes that follow
 * within two seconds can hide behind the same time of the directory.
 */
void	 watch_again(struct watch *);
/* Wait until one of these, or until (monotonic ms). */
enum watch_event	 watch_wait(struct watch *, struct stream *,
			    int64_t until);

#endif
