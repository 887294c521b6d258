/*
 * Packets between the suite's programs: SOCK_SEQPACKET, one packet a request
 * or an answer, text lines inside, descriptors beside.
 *
 *	merpati 1 lookup 17		protocol version, verb, id
 *	address bob@example.org		key, blank, value
 *
 * The packet is the frame; lines only separate fields.  So LF, CR and NUL in a
 * value are refused by both sides, and the decoder takes the keys in the one
 * order the verb has, nothing missing, nothing left over.  Outside octets
 * travel encoded (ipc_put_octets).  doc/protocols.md lists every message.
 *
 * Errors are sticky on both sides: put and get all fields, then look once
 * (ipc_send() fails, ipc_end() fails).
 */
#ifndef BASE_IPC_H
#define BASE_IPC_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

#define IPC_MAX		49152	/* octets a packet */
#define IPC_FDS		4	/* descriptors a packet */
#define IPC_VERB_MAX	32

struct ipc_msg {
	size_t		 len;
	size_t		 pos;		/* decoder: next unread octet */
	int		 fds[IPC_FDS];	/* received: ours until taken */
	size_t		 nfds;
	size_t		 taken;
	uint64_t	 id;
	char		 verb[IPC_VERB_MAX];
	bool		 bad;		/* sticky */
	char		 data[IPC_MAX + 1];	/* last: few pages are used */
};

/*
 * For blocking clients, which ask one question at a time: too large for a
 * stack, and their pages stay.  Only what a packet held is touched; who had a
 * secret in one wipes that.
 */
extern struct ipc_msg	 ipc_question, ipc_answer;

/* Begin a packet: verb of [a-z-], id chosen by the asker. */
void	 ipc_start(struct ipc_msg *, const char *verb, uint64_t id);
void	 ipc_put(struct ipc_msg *, const char *key, const char *value);
void	 ipc_put_u64(struct ipc_msg *, const char *key, uint64_t value);
void	 ipc_put_octets(struct ipc_msg *, const char *key, struct slice value);
/* The same from a C string, without allocating. */
void	 ipc_put_text(struct ipc_msg *, const char *key, const char *value);
/* Send fd along; still the caller's, who closes it after ipc_send(). */
void	 ipc_attach(struct ipc_msg *, int fd);

/* The packet must have this verb. */
void	 ipc_expect(struct ipc_msg *, const char *verb);
/*
 * Take the next field, which must be key.  After an error the outputs are
 * "" or 0 and every later get fails too.
 */
void	 ipc_get(struct ipc_msg *, const char *key, char *out, size_t size);
void	 ipc_get_u64(struct ipc_msg *, const char *key, uint64_t max,
	    uint64_t *out);
/* One of n words: its place, 0 after an error. */
size_t	 ipc_get_word(struct ipc_msg *, const char *key,
	    const char *const *words, size_t n);
/* Append the decoded value to out. */
void	 ipc_get_octets(struct ipc_msg *, const char *key, struct buf *out);
/* The same into a C string: a NUL in it, or size or more octets, is bad. */
void	 ipc_get_text(struct ipc_msg *, const char *key, char *out,
	    size_t size);
/* True when the next field is key: for optional and repeated ones. */
bool	 ipc_next_is(const struct ipc_msg *, const char *key);
/*
 * What is left of the fields, unread, borrowed: to be kept, and read later in any
 * message after ipc_load().  Nothing is left then.
 */
struct slice	 ipc_rest(struct ipc_msg *);
/* Make a message of such fields, without verb and descriptors. */
void	 ipc_load(struct ipc_msg *, struct slice rest);
/* The next descriptor, now the caller's; -1 and sticky error if none. */
int	 ipc_take_fd(struct ipc_msg *);
/*
 * 0 when all went well, every field and descriptor was taken and none is
 * missing; else -1 with errno EBADMSG.  Always closes descriptors left.
 */
int	 ipc_end(struct ipc_msg *);
/*
 * The same where something secret came: the packet is wiped, and after an
 * error the size octets at out, which may hold half of it.
 */
int	 ipc_end_secret(struct ipc_msg *, void *out, size_t size);
/* Close received descriptors that nobody took. */
void	 ipc_drop(struct ipc_msg *);

/*
 * Send one packet, waiting at most timeout_ms (0: do not wait).  0, or -1
 * with errno: EBADMSG (a put failed), ETIMEDOUT, EPIPE, ... SIGPIPE never.
 */
int	 ipc_send(int sock, struct ipc_msg *, int timeout_ms);
/*
 * Receive one packet and read its first line.  1; 0 when the peer closed; -1
 * with errno: EBADMSG (malformed, truncated: close the peer), ETIMEDOUT, ...
 */
int	 ipc_recv(int sock, struct ipc_msg *, int timeout_ms);
/*
 * Ask and wait for the answer with req's id; answers to earlier, abandoned
 * questions are skipped.  0 with ans ready to decode, or -1 with errno.
 * timeout_ms bounds the whole exchange.
 */
int	 ipc_call(int sock, struct ipc_msg *req, struct ipc_msg *ans,
	    int timeout_ms);

/*
 * A listening, non-blocking socket at path with the mode, an old one
 * replaced.  The descriptor, or -1 with errno.
 */
int	 ipc_listen(const char *path, mode_t mode);
/* Connect, within seconds; the descriptor, or -1 with errno. */
int	 ipc_connect(const char *path);
/* The same without waiting: EAGAIN when it does not accept fast enough. */
int	 ipc_connect_now(const char *path);
/* A connected pair, both CLOEXEC.  0 or -1 with errno. */
int	 ipc_pair(int fds[2]);
/* The other side's uid, gid and pid (SO_PEERCRED).  0 or -1. */
int	 ipc_peer(int sock, uid_t *uid, gid_t *gid, pid_t *pid);

#endif
