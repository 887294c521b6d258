/* Running the tools of s6. */
#ifndef MAILCTL_RUN_H
#define MAILCTL_RUN_H

#include <stddef.h>

#define RUN_ARGS	10

/*
 * Run argv (found by PATH), wait, and keep the first line it printed on
 * standard output, without its LF, in out ("" when none).  Standard error goes
 * to /dev/null.  Its exit code; -1 when it could not be run or was
 * killed.
 */
int	 run_line(const char *const argv[RUN_ARGS], char *out, size_t size);

#endif
