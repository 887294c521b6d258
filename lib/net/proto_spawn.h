/*
 * authd asks spawner: start a server for a uid, make a mail home.  Fields in
 * doc/protocols.md; small fixed packets, all that spawner parses.
 */
#ifndef NET_PROTO_SPAWN_H
#define NET_PROTO_SPAWN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipc.h"

#define SPAWN_PATH_MAX	1024
#define SPAWN_TEXT_MAX	200

enum spawn_kind {
	SPAWN_DELIVER,		/* deliver -w: jobs */
	SPAWN_POP3,		/* pop3-session -S: handed sessions */
	SPAWN_IMAP,		/* imap-session -S */
	SPAWN_KINDS
};

enum spawn_status {
	SPAWN_OK,
	SPAWN_REFUSED,		/* will never be done: uid, path */
	SPAWN_LATER		/* no process, no descriptor ... now */
};

struct spawn_server {
	enum spawn_kind	 kind;
	uint32_t	 uid, gid;
};

/* Make the directory, 0700 and owned so, with its missing parents. */
struct spawn_home {
	char		 path[SPAWN_PATH_MAX];
	uint32_t	 uid, gid;
};

struct spawn_answer {
	enum spawn_status	 status;
	char			 text[SPAWN_TEXT_MAX];	/* reason, "" if OK */
	int			 fd;	/* server's: a socket, else -1; sender
					 * keeps its own, receiver owns */
};

const char	*proto_spawn_kind(enum spawn_kind);

/* As in proto_auth.h: decoders return 0, or -1 with errno EBADMSG. */
void	 proto_spawn_put_server(struct ipc_msg *, uint64_t id,
	    const struct spawn_server *);
int	 proto_spawn_get_server(struct ipc_msg *, struct spawn_server *);
void	 proto_spawn_put_home(struct ipc_msg *, uint64_t id,
	    const struct spawn_home *);
int	 proto_spawn_get_home(struct ipc_msg *, struct spawn_home *);
/* verb: of the question. */
void	 proto_spawn_put_answer(struct ipc_msg *, const char *verb,
	    uint64_t id, const struct spawn_answer *);
int	 proto_spawn_get_answer(struct ipc_msg *, const char *verb,
	    struct spawn_answer *);

#endif
