/*
 * The names of messages in the spool and how they move: new/ID to queue/XX/ID,
 * into hold/ and back, away.  Each step leaves a state that doc/queue.md
 * names; none loses the message.  Results: 0 or a descriptor, or -1 with errno.
 */
#ifndef QUEUE_RUNNER_FILES_H
#define QUEUE_RUNNER_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/store/spool.h"

enum files_place { PLACE_NEW, PLACE_QUEUE, PLACE_HOLD };

struct files {
	struct spool	 spool;
	int		 queuefd, holdfd;	/* directories */
};

/* Open the spool, made when it is missing. */
int	 files_open_spool(struct files *, const char *path);
void	 files_close_spool(struct files *);

/*
 * The directory that holds id in the place: new/, queue/XX/ or hold/.  The
 * caller closes it with files_put_dir().
 */
int	 files_get_dir(const struct files *, enum files_place, const char *id);
void	 files_put_dir(const struct files *, int dir);
/* Where is it?  -1 with errno ENOENT: nowhere. */
int	 files_find(const struct files *, const char *id,
	    enum files_place *place);

/* Is it there?  errno is kept. */
bool	 files_stands(const struct files *, enum files_place, const char *id);

int	 files_open_message(const struct files *, enum files_place,
	    const char *id);
/* errno ENOENT: it has no state. */
int	 files_open_state(const struct files *, enum files_place,
	    const char *id, int flags);

/* new/ID to queue/XX/ID, durable when sync. */
int	 files_to_queue(const struct files *, const char *id, bool sync);
/* The message, then what stands beside it.  ENOENT counts as done. */
int	 files_remove(const struct files *, enum files_place, const char *id);
/*
 * Put aside, with the reason in hold/ID.r, and back to queue/XX/.  After -1 ask
 * files_stands(): it may have gone, with the last fsync missing.
 */
int	 files_hold(const struct files *, enum files_place, const char *id,
	    const char *reason);
int	 files_release(const struct files *, const char *id);
/* Messages in hold/. */
size_t	 files_count_held(const struct files *);
/* Why it is held: a line, "" when nothing is known. */
void	 files_reason(const struct files *, const char *id, char *out,
	    size_t size);

#endif
