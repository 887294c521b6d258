/*
 * Telling sessions that a mailbox changed.  A waiting session has a datagram
 * socket in HOME/wake, named FOLDER.RANDOM where FOLDER is a hash of the folder's
 * directory name and RANDOM the process's; who changed a mailbox sends an octet to
 * each that fits.
 * A socket nobody listens to is removed.  The directory exists only while
 * somebody waits: for a delivery without listeners it is one failed openat.
 * Losing a wake-up costs time: sessions also look every 30 s.
 */
#ifndef STORE_WAKE_H
#define STORE_WAKE_H

#include <stdbool.h>

#define WAKE_NAME	32

/*
 * Another process may go on with both; then what this one sends goes there too.
 */
struct wake {
	int	 fd;			/* to poll, non-blocking; -1: none */
	char	 name[WAKE_NAME];	/* in HOME/wake */
};

/*
 * A socket for this process: dir as in folder_open(), or "*" for all.  0, or -1
 * with errno and fd -1.  One of each at a time.
 */
int	 wake_listen(struct wake *, int homefd, const char *dir);
void	 wake_close(struct wake *, int homefd);
/* Another process has it: its name stays. */
void	 wake_leave(struct wake *);
/* An octet to it, as from another process. */
void	 wake_again(const struct wake *, int homefd);
/* Take what came.  True when something did. */
bool	 wake_take(const struct wake *);
/* Wake the others (not this process); never blocks, never fails. */
void	 wake_send(int homefd, const char *dir);
/* The same by path, for who has no descriptor of the home. */
void	 wake_send_home(const char *home, const char *dir);

#endif
