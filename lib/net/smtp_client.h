/*
 * What SMTP and LMTP clients do alike on a connected stream: replies with
 * bounds, EHLO and what it offers, the commands of the envelope, the content
 * with its dots.  Which command comes when is the caller's business: remote(8)
 * and smtp_submit.h.
 *
 * Commands are queued and go out together when a reply is waited for
 * (RFC 2920).  The connection is lost for good when a reply does not come, is
 * none, or does not end: then every later call fails too.
 */
#ifndef NET_SMTP_CLIENT_H
#define NET_SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/net/smtp_reply.h"
#include "lib/net/stream.h"

#define SMTP_CLIENT_LINE	4096	/* of a reply; RFC 5321 says 512 */
#define SMTP_CLIENT_LINES	200	/* of one reply */
#define SMTP_CLIENT_AUTH	512	/* octets of mechanisms kept */
/*
 * Recipients in one go.  More, and both sides might be writing into full
 * sockets while neither reads.
 */
#define SMTP_CLIENT_BATCH	50

enum smtp_ext {
	SMTP_EXT_PIPELINING = 1,
	SMTP_EXT_8BITMIME = 2,
	SMTP_EXT_SMTPUTF8 = 4,
	SMTP_EXT_DSN = 8,
	SMTP_EXT_SIZE = 16,
	SMTP_EXT_STARTTLS = 32,
	SMTP_EXT_CHUNKING = 64,
	SMTP_EXT_AUTH = 128
};

/* What the reply to EHLO offered. */
struct smtp_features {
	int		 ext;		/* enum smtp_ext bits */
	uint64_t	 size;		/* RFC 1870: largest message, 0: any */
	char		 auth[SMTP_CLIENT_AUTH];	/* "PLAIN LOGIN" */
};

struct smtp_client {
	struct stream		 s;
	bool			 on;		/* there is a stream */
	bool			 lost;		/* no further reply to come */
	char			 why[128];	/* it is lost: in words */
	int			 patience_ms;	/* for a whole reply */
	struct smtp_features	 features;
	struct smtp_reply	 reply;		/* the last one */
	char			 last;		/* octet of the content */
};

/* MAIL's parameters.  Those the host does not offer are left out. */
struct smtp_mail {
	const char	*sender;	/* "" is the null sender */
	uint64_t	 size;		/* octets, 0 unknown */
	bool		 eightbit;	/* RFC 6152 */
	bool		 utf8;		/* RFC 6531: said in any case */
	const char	*ret;		/* RFC 3461: FULL HDRS NULL */
	const char	*envid;		/* not yet xtext, NULL or "" none */
};

struct smtp_rcpt {
	const char	*address;
	const char	*notify;	/* "FAILURE,DELAY" or NULL */
	const char	*orcpt;		/* "rfc822;a@b" decoded, or NULL */
	bool		 utf8;		/* the transaction has SMTPUTF8 */
};

/* Connected to nothing. */
void	 smtp_client_init(struct smtp_client *);
/* Speak on fd, which stays the caller's. */
void	 smtp_client_start(struct smtp_client *, int fd, int patience_ms);
/* Free the stream; harmless when there is none. */
void	 smtp_client_finish(struct smtp_client *);

/*
 * Send what is queued and read one reply.  0 whatever it says, -1 when there is
 * none: lost and why are set.  patience_ms bounds the whole of it, however the
 * octets trickle.  When sending fails, a refusal that the host left behind is
 * still a reply; the connection is lost then too.
 */
int	 smtp_client_reply(struct smtp_client *);
/*
 * EHLO (HELO, LHLO) and its reply, with the features it lists: none
 * unless it is a 2yz.  0 or -1 as above.
 */
int	 smtp_client_hello(struct smtp_client *, const char *verb,
	    const char *name);
/* Give the connection up, for a reason of the caller's.  -1. */
int	 smtp_client_lose(struct smtp_client *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/*
 * Queue a command.  Addresses hold no control octets: smtp_client_clean() is
 * the caller's check.
 */
void	 smtp_client_put_mail(struct smtp_client *, const struct smtp_mail *);
void	 smtp_client_put_rcpt(struct smtp_client *, const struct smtp_rcpt *);
bool	 smtp_client_clean(const char *);

/*
 * The content in wire form, after the reply to DATA: dots are stuffed here
 * (RFC 5321 4.5.2).  begin; put as often as needed; end adds a line end when
 * the content has none, and the final dot.  Failure is sticky and shows in
 * smtp_client_reply().
 */
void	 smtp_client_begin(struct smtp_client *);
void	 smtp_client_put(struct smtp_client *, struct slice);
void	 smtp_client_end(struct smtp_client *);

/* One line of a reply to EHLO but its first, without its code.  Pure. */
void	 smtp_features_add(struct smtp_features *, struct slice line);

#endif
