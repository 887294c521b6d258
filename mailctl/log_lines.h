/* The lines about one message, out of s6-log's files, in time order. */
#ifndef MAILCTL_LOG_LINES_H
#define MAILCTL_LOG_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define LOG_LABEL	25	/* "@" and 24 hexadecimal digits, tai64n */

struct log_line {
	char	 program[64];	/* its directory's name */
	char	*text;		/* without label and LF */
	char	 label[LOG_LABEL + 1];	/* "" when it has none */
	size_t	 order;		/* as found, to keep equal ones in order */
};

struct log_lines {
	struct log_line	*line;
	size_t		 n, size;
};

/* Is id in the line as a word of its own? */
bool	 log_lines_match(struct slice line, const char *id);
/*
 * The time of a tai64n label.  0 with Unix seconds and nanoseconds, or -1 with
 * errno EINVAL.
 */
int	 log_lines_time(const char *label, int64_t *seconds,
	    uint32_t *nanoseconds);
/* Add the matching lines of a file's text. */
void	 log_lines_scan(struct log_lines *, const char *program,
	    struct slice text, const char *id);
/*
 * Read dir/PROGRAM/current and the rotated files beside it.  0, or -1 with
 * errno when some could not be read, and its path in failed.
 */
int	 log_lines_read(struct log_lines *, const char *dir, const char *id,
	    char *failed, size_t size);
void	 log_lines_sort(struct log_lines *);
void	 log_lines_free(struct log_lines *);

#endif
