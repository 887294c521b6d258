/* Locks on open files, between processes. */
#ifndef BASE_FILELOCK_H
#define BASE_FILELOCK_H

/*
 * Lock the whole file (F_WRLCK or F_RDLCK; an OFD lock, held until the
 * descriptor is closed; a forked child would share it), asking again for at
 * most so many milliseconds: a stuck holder must not hang us.  0, or -1 with
 * errno EAGAIN, ...
 */
int	 filelock_wait(int fd, short type, int ms);

#endif
