/*
 * Which file is at a path: to see that it is another one, or another text, or
 * that others may read it now: who could not is to try again.
 */
#ifndef BASE_FILE_STAMP_H
#define BASE_FILE_STAMP_H

#include <sys/types.h>
#include <stdbool.h>
#include <time.h>

struct stat;

/* All zero: never looked at. */
struct file_stamp {
	struct timespec	 mtime, ctime;
	off_t		 size;
	ino_t		 ino;
	dev_t		 dev;
	int		 error;		/* of stat(2), 0: it is there */
};

/*
 * Look at path (NULL: there is to be none, and never is) and bring the stamp
 * up.  True when it was another file than the stamp says.
 */
bool	 file_stamp_changed(struct file_stamp *, const char *path);
/* Do two looks of one's own show the same file and text? */
bool	 file_stamp_alike(const struct stat *, const struct stat *);

#endif
