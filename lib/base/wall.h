/*
 * Landlock (landlock(7)) around a process that is about to read what strangers
 * send: what is taken over reaches no more than it needs.
 */
#ifndef BASE_WALL_H
#define BASE_WALL_H

#include <stddef.h>

/*
 * The ABI of this kernel's Landlock; 0 without it, or with the first one, in
 * which a file cannot be moved between directories.
 */
int	 wall_level(void);

/* Say in the log what there is, once, at the start. */
void	 wall_tell(void);

/*
 * For good, for this process and what it starts: files are opened, made,
 * renamed and removed below the directories dirfds only (n of them, -1 counts
 * for none); read also in /proc and where the C library looks for time zones
 * and character sets; executed nowhere.  As far as the kernel knows how, no TCP
 * port is bound or connected to (ABI 4), and nobody outside gets a signal or is
 * reached by an abstract socket (6).  Descriptors that are open stay what
 * they are, and sockets with a path are reached everywhere.  Needs
 * privilege_harden().  0; -1 with errno: there is no wall.
 */
int	 wall_into(const int *dirfds, size_t n);

#endif
