/*
 * queue-runner and remote: one connection to remote's socket is one process
 * there and at most one connection to a host.  First `open` says where to
 * (no answer), then jobs, one at a time, one answer each.  Closing the
 * socket ends the host's connection with QUIT.  Fields in doc/protocols.md.
 */
#ifndef NET_PROTO_REMOTE_H
#define NET_PROTO_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipc.h"
#include "lib/mail/address.h"
#include "lib/net/proto_deliver.h"
#include "lib/net/proto_resolver.h"

#define REMOTE_RCPTS	100	/* recipients a job */
#define REMOTE_HOSTS	RESOLVER_HOSTS
#define REMOTE_PATH_MAX	256

enum remote_tls {
	REMOTE_TLS_OFF,
	REMOTE_TLS_OPPORTUNISTIC,	/* RFC 7435; DANE where vouched for */
	REMOTE_TLS_REQUIRED,		/* TLS or defer; certificate unchecked
					 * unless DANE */
	REMOTE_TLS_VERIFIED		/* chain and name must check */
};

/* The configuration's words for them.  0, or -1: no such word. */
int	 remote_tls_named(const char *, enum remote_tls *);
const char	*remote_tls_name(enum remote_tls);

/* Where to.  Port 465 means TLS from the first octet (RFC 8314 3.3). */
struct remote_open {
	bool			 lmtp;
	enum remote_tls		 tls;
	uint16_t		 port;
	char			 unix_path[REMOTE_PATH_MAX];	/* LMTP socket,
						 * or "" */
	char			 user[256];	/* SASL, "" none */
	char			 password_file[REMOTE_PATH_MAX];
	size_t			 nhost;		/* to be tried in order */
	struct resolver_host	*host;		/* REMOTE_HOSTS at most; heap
						 * after get_open; none with a
						 * unix_path */
};

struct remote_rcpt {
	unsigned int	 number;	/* queue-runner's */
	char		 address[ADDRESS_MAX + 1];
	int		 notify;	/* enum dsn_notify bits, 0: not given */
	char		*orcpt;		/* "rfc822;a@b" decoded, or NULL */
};

struct remote_job {
	char			 id[SPOOL_ID_LEN + 1];
	char			 sender[ADDRESS_MAX + 1];	/* "": null */
	char			 envid[128];	/* decoded, "" none */
	unsigned int		 ret;		/* 0 none, 1 FULL, 2 HDRS */
	bool			 eightbit;	/* content has octets > 127 */
	bool			 utf8;		/* SMTPUTF8 is needed */
	bool			 dots;		/* lines start with a dot */
	bool			 longline;	/* some line is over 998 */
	uint64_t		 offset, len;	/* of the message in the file */
	int			 fd;		/* sender keeps its own */
	size_t			 nrcpt;
	struct remote_rcpt	 rcpt[REMOTE_RCPTS];
};

/* What became of one recipient. */
struct remote_outcome {
	unsigned int		 number;
	enum mail_verdict	 verdict;
	char			 code[12];	/* RFC 3463 */
	char			 text[512];	/* "550 5.1.1 no such user": the
						 * host's words when said is
						 * set, else ours */
	bool			 said;
};

struct remote_result {
	char			 id[SPOOL_ID_LEN + 1];
	/* May the next job come to this process?  Else it leaves. */
	bool			 kept;
	/*
	 * Nothing at all could be tried: no host of the destination is to be
	 * reached, or they answered 421, or 4xx to greeting, EHLO, STARTTLS
	 * or AUTH.  Pause the destination; outcomes are MAIL_TEMP then.
	 */
	bool			 destination_failed;
	bool			 dsn;		/* the host has RFC 3461 */
	char			 host[RESOLVER_NAME_MAX];	/* who spoke,
						 * "" none */
	char			 addr[64];	/* its address or path */
	char			 tls[64];	/* "TLSv1.3 dane", "" clear */
	size_t			 noutcome;
	struct remote_outcome	 outcome[REMOTE_RCPTS];
};

/* Hosts that do not fit the packet are left out, the last ones. */
void	 proto_remote_put_open(struct ipc_msg *, uint64_t id,
	    const struct remote_open *);
/* 0 and proto_remote_open_free() is the caller's; -1 with errno EBADMSG. */
int	 proto_remote_get_open(struct ipc_msg *, struct remote_open *);
void	 proto_remote_open_free(struct remote_open *);

/*
 * A job is encoded piecewise so that as many recipients as a packet carries
 * may go along: put_job everything but the recipients, then put_rcpt until
 * it returns false (the packet is full: that one is not in it) or there are
 * REMOTE_RCPTS, then send.  A job without recipients is malformed.
 */
void	 proto_remote_put_job(struct ipc_msg *, uint64_t id,
	    const struct remote_job *);
bool	 proto_remote_put_rcpt(struct ipc_msg *, const struct remote_rcpt *);
/*
 * 0, and the descriptor is the caller's as all else is, until
 * proto_remote_job_free(), which closes it; -1 with errno EBADMSG.
 */
int	 proto_remote_get_job(struct ipc_msg *, struct remote_job *);
void	 proto_remote_job_free(struct remote_job *);

/*
 * Equal outcomes that stand beside each other are sent once; texts are cut when
 * they do not fit.
 */
void	 proto_remote_put_result(struct ipc_msg *, uint64_t id,
	    const struct remote_result *);
int	 proto_remote_get_result(struct ipc_msg *, struct remote_result *);

#endif
