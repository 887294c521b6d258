/*
 * Which file is at a path: to see that it is another one, or another text, or
 * that others may read it now: who could not is to try again.
 */
#ifndef BASE_FILE_STAMP_H
#define BASE_FILE_STAMP_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define FILE_STAMP_REST_MS	300	/* unwritten so long: it is whole */

struct stat;

/* All zero: never looked at. */
struct file_stamp {
	struct timespec	 mtime, ctime;
	off_t		 size;
	ino_t		 ino;
	dev_t		 dev;
	int		 error;		/* of stat(2), 0: it is there */
	bool		 gone;		/* was, at the last look at rest */
};

/*
 * Look at path (NULL: there is to be none, and never is) and bring the stamp
 * up.  True when it was another file than the stamp says.
 */
bool	 file_stamp_changed(struct file_stamp *, const char *path);
/*
 * Look at n files that are read together: are they others than the stamps say,
 * and at rest?  One that is being written in place, or was moved away by an
 * editor that will write it anew, is left until it was left alone for a
 * while, or is missing at the next look, too.  After true the caller brings the
 * stamps up, by file_stamp_changed(), and reads.
 */
bool	 file_stamp_rested(struct file_stamp[], const char *const path[],
	    size_t n);
/* Do two looks of one's own show the same file and text? */
bool	 file_stamp_alike(const struct stat *, const struct stat *);

#endif
