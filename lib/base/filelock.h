/* Locks on open files, between processes. */
#ifndef BASE_FILELOCK_H
#define BASE_FILELOCK_H

#include <sys/types.h>

/*
 * Lock the whole file (F_WRLCK or F_RDLCK; an OFD lock, held until the
 * descriptor is closed or F_UNLCK; a forked child would share it), asking
 * again for at most so many milliseconds: a stuck holder must not hang us.  0,
 * or -1 with errno EAGAIN, ...
 */
int	 filelock_wait(int fd, short type, int ms);
/* The same for one octet of it, which need not be there. */
int	 filelock_octet(int fd, off_t octet, short type, int ms);
void	 filelock_free(int fd, off_t octet);

#endif
