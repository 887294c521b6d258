/*
 * A protocol program: its parent owns the listening sockets and sees to the
 * processes (pool.h), which accept connections and serve one at a time with
 * straight-line code (design: loops parse nothing).
 *
 * Limits: max_per_address, max_per_network (/24, /64) and max_rate are
 * counted in a table that the processes share (limits.h), and so is the share of
 * max_connections that role mx may have; a connection beyond them gets the full
 * text and is closed.  At max_connections busy processes
 * the parent itself answers so.  From 80 % on listener_load() tells
 * processes to shrink their time-outs.
 *
 * SIGTERM drains: no more accepts, children get SIGTERM (stream_stop()), and
 * after drain_timeout the rest are killed.  A child that dies by SEGV, ABRT,
 * BUS, SYS, ILL or FPE makes the parent exec itself anew with the same
 * sockets, at most once in 10 s; so does SIGHUP, when the configuration is
 * sound, and a watched file that is replaced (certificates).  Children of the
 * old parent finish their connection and leave.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/config.h"
#include "lib/net/listener_peer.h"

struct stat;
struct wall;

/* One connection to serve; the function must not close the descriptors. */
struct listener_conn {
	int				 rfd, wfd;
	struct listener_peer		 peer;
	const struct config_listen	*listen;
};

struct listener_program {
	const char			*name;		/* for logs */
	const struct config_listeners	*net;
	const struct config_list	*exempt;	/* networks without
							 * limits of their
							 * own, or NULL */
	unsigned int			 max_uses;	/* connections a
							 * process, 1: fork
							 * for each */
	const char			*full_text;	/* "421 ...\r\n" */
	/* In a child, once, before its first connection. */
	void				(*start)(void *arg);
	/* Around a child, which has started; NULL: none. */
	struct wall			*wall;
	/* One connection; the return value is not used. */
	void				(*serve)(struct listener_conn *,
					    void *arg);
	void				*arg;
	char				**argv;		/* to exec anew */
	const char			*config;	/* to check first */
	/* A file whose replacement is as good as SIGHUP, or NULL. */
	const char			*watch;
	const struct stat		*watched;	/* of it when it was
							 * read, or NULL */
};

/*
 * Serve until SIGTERM; returns the exit code for main().  extra are further
 * listening addresses that have no listen entry in the configuration file (the
 * submit socket).
 */
int	 listener_run(const struct listener_program *,
	    const struct config_listen *extra, size_t nextra);
/*
 * -i: serve descriptors 0 and 1 once, in this process.  The peer comes from
 * getpeername(0), else from TCPREMOTEIP and TCPREMOTEPORT (UCSPI), else none.
 */
int	 listener_inetd(const struct listener_program *,
	    const struct config_listen *);
/*
 * In serve(): the peer turned out to be another (a PROXY header).  Count the
 * connection for it from now on.  False: a limit forbids it, the full text has
 * been sent to fd.  Always true with -i.
 */
bool	 listener_admit(int fd, const struct listener_peer *);
/*
 * In serve(): what is left is another's to count (a session that somebody
 * logged in to), so no address and no network is charged for it any longer.
 */
void	 listener_discharge(void);
/*
 * In serve(): the process leaves after this connection, since it holds
 * somebody's secrets.
 */
void	 listener_last(void);
/*
 * Per cent of max_connections that are busy, or of what a listener with role mx
 * may have of them when that is more, and this connection came there.
 */
unsigned int	 listener_load(void);

#endif
