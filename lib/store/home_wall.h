/* The wall of a process that serves one mailbox. */
#ifndef STORE_HOME_WALL_H
#define STORE_HOME_WALL_H

/*
 * A wall_raise() around the home, and the Maildir in it, which may be a link to
 * elsewhere.  Nothing where the kernel has no walls (which wall_tell() tells)
 * and where there is no home to serve.  Exits (fatal) when there should be a
 * wall, and is none.
 */
void	 home_wall(const char *home);

#endif
