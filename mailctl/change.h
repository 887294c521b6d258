/*
 * Changing a file of lines that authd reads: under a lock beside it, whole, and
 * never from a good one into one in which authd finds errors.
 */
#ifndef MAILCTL_CHANGE_H
#define MAILCTL_CHANGE_H

#include <sys/types.h>
#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/config.h"

/* Does authd take this text?  Else lines "FILE:LINE: reason" in err. */
typedef bool	 change_good_fn(const struct config *, struct slice text,
		    struct buf *err);

struct change {
	const struct config	*cfg;
	const char		*path;
	change_good_fn		*good;
	int			 lock;		/* -1 */
	mode_t			 mode;
	struct buf		 old, new;	/* as it is, as it will be */
};

/*
 * Lock and read; no file is an empty one.  An exit code, its reason printed.
 * change_end() must follow in any case.
 */
int	 change_begin(struct change *, const struct config *,
	    const char *path, change_good_fn *);
/* Write c->new.  The same. */
int	 change_write(struct change *);
void	 change_end(struct change *);

#endif
