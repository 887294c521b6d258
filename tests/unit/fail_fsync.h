/*
 * fsync, counted and made to fail, on file systems with and without an ordered
 * journal.  It defines both for the whole program: to be included once.
 */
#ifndef TESTS_FAIL_FSYNC_H
#define TESTS_FAIL_FSYNC_H

#include <sys/syscall.h>
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/store/journal.h"

static int	 fsyncs, fsync_fails_at;	/* with EIO; 0: none */
/* Instead of lib/store/journal.c: both ways are tried wherever we run. */
static bool	 ordered;

int
fsync(int fd)
{
	if (++fsyncs == fsync_fails_at) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

bool
journal_is_ordered(int fd)
{
	(void)fd;
	return ordered;
}

#endif
