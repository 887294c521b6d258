/*
 * Questions to authd: encode and decode beside each other, one struct a
 * message, and a blocking client.  Fields in doc/protocols.md.
 *
 *	lookup   address               what is this address here?  "\address":
 *	                               the mailbox behind an alias of its name
 *	expand   address               an alias's results, in a descriptor
 *	scram    user nonce ...        begin a SCRAM exchange: salt, iterations
 *	check    user secret ...       is this the user's password (or another
 *	                               proof of who he is)?
 *	session  the same + descriptor check, then hand the connection to the
 *	                               user's session server
 *	deliver  user                  a socket to a delivery worker of its uid
 *	submit   user sender count     may the user send this, from this
 *	                               address, to so many?
 *	usage    user octets count     how full a mailbox is (workers, sessions)
 *	reload                         read the tables again now
 *	app-uses                       when app passwords were last used, in a
 *	                               descriptor (lib/store/app_uses.h)
 *
 * Who may ask what (by uid): smtpd lookup expand scram check submit;
 * queue-runner lookup expand deliver; pop3d, imapd scram check session; mailbox
 * uids usage of their own users; admins all but session.
 */
#ifndef NET_PROTO_AUTH_H
#define NET_PROTO_AUTH_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipc.h"
#include "lib/base/ipc_link.h"
#include "lib/mail/address.h"

#define AUTH_USER_MAX		ADDRESS_MAX
#define AUTH_PASSWORD_MAX	1024
#define AUTH_SECRET_MAX		4096	/* a bearer token; see auth_method */
#define AUTH_NONCE_MAX		128	/* of SCRAM, a client's part */
#define AUTH_MESSAGE_MAX	1024	/* of SCRAM */
#define AUTH_PASS_LEN		32	/* hex */
#define AUTH_HOME_MAX		1024
#define AUTH_TAG_MAX		64	/* of an IMAP command */
#define AUTH_AHEAD_MAX		8192	/* octets read ahead of a session */
#define AUTH_TIMEOUT_MS		20000	/* a client's patience */

enum auth_kind {
	AUTH_USER,		/* a mailbox here */
	AUTH_ALIAS,		/* ask expand */
	AUTH_RELAY,		/* in relay-domains: accepted, goes on */
	AUTH_REMOTE,		/* no domain of ours */
	AUTH_UNKNOWN,		/* our domain, no such name */
	AUTH_BROKEN,		/* the line in a table is wrong: who knows */
	AUTH_TEMP		/* tables cannot be read just now */
};

/* lookup's answer.  Fields past full only for AUTH_USER. */
struct auth_lookup {
	enum auth_kind	 kind;
	bool		 full;			/* over quota, as last told */
	char		 user[AUTH_USER_MAX + 1];	/* login name: the
						 * mailbox, tag removed */
	uint32_t	 uid, gid;
	char		 home[AUTH_HOME_MAX];	/* mail home: Maildir is
						 * HOME/Maildir */
	uint64_t	 quota_octets, quota_count;	/* 0: no limit */
};

enum auth_verdict {
	AUTH_OK,
	AUTH_BAD,		/* unknown user or wrong password */
	AUTH_LATER,		/* authd overloaded, spawner down ... */
	AUTH_DISABLED		/* right, but may not use this service */
};

/* What secret is, and so how user is found. */
enum auth_method {
	AUTH_PASSWORD,		/* a password, or an app password */
	AUTH_SCRAM,		/* the client's proof, base 64, after `scram`;
				 * first, last and exchange are set */
	AUTH_TOKEN,		/* an OAuth bearer token; user may be "" */
	AUTH_CERTIFICATE,	/* SHA-256 of a certificate, lower case hex,
				 * possession of its key proven; user may be
				 * "": whoever has it */
	AUTH_PASS		/* the pass of an earlier verdict: once, within
				 * a minute, the same asker and service */
};

struct auth_check {
	enum auth_method method;
	char		 user[AUTH_USER_MAX + 1];
	char		 secret[AUTH_SECRET_MAX + 1];
	char		 service[16];		/* smtp pop3 imap */
	char		 ip[64];		/* of the client, or "" */
	/* Of SCRAM, else "": RFC 5802 7. */
	char		 exchange[AUTH_PASS_LEN + 1];	/* scram's answer */
	char		 first[AUTH_MESSAGE_MAX + 1];	/* client-first-bare */
	char		 last[AUTH_MESSAGE_MAX + 1];	/* client-final-message-
						 * without-proof */
};

/*
 * To begin SCRAM.  authd makes the server's nonce and remembers the exchange
 * for a minute, so a proof serves once, however it was come by.
 */
struct auth_scram {
	char		 user[AUTH_USER_MAX + 1];
	char		 hash[16];	/* "SHA-256" "SHA-1" */
	char		 nonce[AUTH_NONCE_MAX + 1];	/* the client's */
	char		 service[16];
	char		 ip[64];
};
/*
 * The answer: whoever the user is, known or not; unknown ones have a salt
 * that is always the same for them.
 */
struct auth_scram_first {
	bool		 later;		/* authd is too busy */
	char		 exchange[AUTH_PASS_LEN + 1];
	/* The server-first-message "r=...,s=...,i=...". */
	char		 message[AUTH_MESSAGE_MAX + 1];
};

/* The answer to check. */
struct auth_answer {
	enum auth_verdict verdict;
	char		 user[AUTH_USER_MAX + 1];	/* canonical login
					 * name, "" unless AUTH_OK */
	/*
	 * After SCRAM: the server's signature, base 64, and a pass with which
	 * to ask `check` or `session` when the client has seen it; else "".
	 */
	char		 signature[96];
	char		 pass[AUTH_PASS_LEN + 1];
};

/*
 * May an authenticated user send a message?  Asked at MAIL with count 0, at
 * the end of the recipients with their number, which then counts.
 */
struct auth_submit {
	char		 user[AUTH_USER_MAX + 1];	/* login name */
	char		 sender[AUTH_USER_MAX + 1];	/* "": null sender */
	uint64_t	 count;
};
enum auth_may {
	AUTH_MAY,
	AUTH_MAY_NOT,		/* the address is none of the user's */
	AUTH_MAY_LATER		/* too many messages or recipients in an
				 * hour */
};

struct auth_session {
	struct auth_check	 check;
	char			 tag[AUTH_TAG_MAX + 1];	/* of the command that
						 * the session server answers;
						 * "" for pop3 */
	char			 ahead[AUTH_AHEAD_MAX];
	size_t			 ahead_len;
	int			 fd;		/* the connection; sender keeps
						 * its own, receiver owns */
};

/* What a session server gets from authd: one packet a session. */
struct auth_handed {
	char		 user[AUTH_USER_MAX + 1];
	char		 home[AUTH_HOME_MAX];
	char		 ip[64];
	char		 tag[AUTH_TAG_MAX + 1];
	uint64_t	 quota_octets, quota_count;
	char		 ahead[AUTH_AHEAD_MAX];
	size_t		 ahead_len;
	int		 fd;
};

/*
 * Encoders begin the packet; decoders return 0, or -1 with errno EBADMSG
 * and no descriptor kept.  They check the verb too.  Decoding a password
 * wipes the packet; the caller wipes the struct, and the packet it sent.
 */
void	 proto_auth_put_lookup(struct ipc_msg *, uint64_t id,
	    const char *address);
int	 proto_auth_get_lookup(struct ipc_msg *, char *address, size_t size);
void	 proto_auth_put_found(struct ipc_msg *, uint64_t id,
	    const struct auth_lookup *);
int	 proto_auth_get_found(struct ipc_msg *, struct auth_lookup *);
void	 proto_auth_put_expand(struct ipc_msg *, uint64_t id,
	    const char *address);
int	 proto_auth_get_expand(struct ipc_msg *, char *address, size_t size);
/* status: "ok" with a descriptor to read, or none loop toomany broken temp. */
void	 proto_auth_put_expanded(struct ipc_msg *, uint64_t id,
	    const char *status, int fd);
int	 proto_auth_get_expanded(struct ipc_msg *, char *status, size_t size,
	    int *fd);
void	 proto_auth_put_check(struct ipc_msg *, uint64_t id,
	    const struct auth_check *);
int	 proto_auth_get_check(struct ipc_msg *, struct auth_check *);
void	 proto_auth_put_session(struct ipc_msg *, uint64_t id,
	    const struct auth_session *);
int	 proto_auth_get_session(struct ipc_msg *, struct auth_session *);
/* A session has no AUTH_SCRAM: the signature would not reach the client. */
void	 proto_auth_put_verdict(struct ipc_msg *, uint64_t id,
	    const struct auth_answer *);
int	 proto_auth_get_verdict(struct ipc_msg *, struct auth_answer *);
void	 proto_auth_put_scram(struct ipc_msg *, uint64_t id,
	    const struct auth_scram *);
int	 proto_auth_get_scram(struct ipc_msg *, struct auth_scram *);
void	 proto_auth_put_first(struct ipc_msg *, uint64_t id,
	    const struct auth_scram_first *);
int	 proto_auth_get_first(struct ipc_msg *, struct auth_scram_first *);
void	 proto_auth_put_submit(struct ipc_msg *, uint64_t id,
	    const struct auth_submit *);
int	 proto_auth_get_submit(struct ipc_msg *, struct auth_submit *);
void	 proto_auth_put_may(struct ipc_msg *, uint64_t id, enum auth_may);
int	 proto_auth_get_may(struct ipc_msg *, enum auth_may *);
void	 proto_auth_put_deliver(struct ipc_msg *, uint64_t id,
	    const char *user);
int	 proto_auth_get_deliver(struct ipc_msg *, char *user, size_t size);
/* fd -1: no worker to be had now. */
void	 proto_auth_put_worker(struct ipc_msg *, uint64_t id, int fd);
int	 proto_auth_get_worker(struct ipc_msg *, int *fd);
void	 proto_auth_put_usage(struct ipc_msg *, uint64_t id, const char *user,
	    uint64_t octets, uint64_t count);
int	 proto_auth_get_usage(struct ipc_msg *, char *user, size_t size,
	    uint64_t *octets, uint64_t *count);
void	 proto_auth_put_reload(struct ipc_msg *, uint64_t id);
/* The answer to usage and reload is proto_fields.h's proto_put_done(). */
void	 proto_auth_put_app_uses(struct ipc_msg *, uint64_t id);
/* fd -1: it cannot be told now. */
void	 proto_auth_put_used(struct ipc_msg *, uint64_t id, int fd);
int	 proto_auth_get_used(struct ipc_msg *, int *fd);
void	 proto_auth_put_handed(struct ipc_msg *, uint64_t id,
	    const struct auth_handed *);
int	 proto_auth_get_handed(struct ipc_msg *, struct auth_handed *);

/*
 * An expand result, one line of the descriptor:
 *	"ADDRESS OWNER ORCPT" LF, xtext each, "-" for none.
 */
struct auth_result {
	char	*address, *owner, *orcpt;
};
/* Read them all.  0 with *out for proto_auth_results_free(), or -1. */
int	 proto_auth_read_results(int fd, struct auth_result **out, size_t *n);
void	 proto_auth_results_free(struct auth_result *, size_t n);

/*
 * The blocking client for straight-line programs.  Connects when needed and
 * again, once, when authd went away.
 */
struct auth_client {
	struct ipc_link	 link;		/* RUN/authd/authd.sock */
};
void	 auth_client_init(struct auth_client *, const char *path);
void	 auth_client_close(struct auth_client *);
/* 0, or -1 with errno: authd cannot be asked now. */
int	 auth_client_lookup(struct auth_client *, const char *address,
	    struct auth_lookup *);
int	 auth_client_expand(struct auth_client *, const char *address,
	    char *status, size_t size, struct auth_result **, size_t *n);
int	 auth_client_scram(struct auth_client *, const struct auth_scram *,
	    struct auth_scram_first *);
/* After -1 the verdict is AUTH_LATER, here and below. */
int	 auth_client_check(struct auth_client *, const struct auth_check *,
	    struct auth_answer *);
/* On a new connection, and never asked twice. */
int	 auth_client_session(struct auth_client *, const struct auth_session *,
	    struct auth_answer *);
/* After -1 *may is AUTH_MAY_LATER. */
int	 auth_client_submit(struct auth_client *, const struct auth_submit *,
	    enum auth_may *may);
int	 auth_client_usage(struct auth_client *, const char *user,
	    uint64_t octets, uint64_t count);
/* *fd: a file to read, the caller's. */
int	 auth_client_app_uses(struct auth_client *, int *fd);
/* *ok false: the files have errors (in error, lines), old tables stay. */
int	 auth_client_reload(struct auth_client *, bool *ok, char *error,
	    size_t size);

#endif
