/*
 * A blocking SMTP client for the suite's submit socket: deliver(1), and
 * forwards of the delivery worker.  One connection, one message at a time.
 *
 *	smtp_submit_open()	connect, greeting, EHLO
 *	smtp_submit_envelope()	MAIL and RCPTs, pipelined (RFC 2920)
 *	smtp_submit_data()	DATA up to 354
 *	smtp_submit_put()	content, dots stuffed here
 *	smtp_submit_end()	the final dot: only now it is accepted
 *	smtp_submit_close()
 *
 * Every call returns 0, or -1 with the reason in smtp.reply: the server's
 * refusal, or one made up here (code 451) when there is no server to talk to.
 * After a failure only smtp_submit_close() may follow; it sends nothing that
 * could complete a message.
 */
#ifndef NET_SMTP_SUBMIT_H
#define NET_SMTP_SUBMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/net/smtp_client.h"

#define SMTP_SUBMIT_ID	64

struct smtp_submit {
	int			 sock;		/* -1 */
	struct smtp_client	 smtp;		/* reply: of the last call */
	bool			 idle;		/* between messages */
	char			 id[SMTP_SUBMIT_ID];	/* "queued as ID" */
};

struct smtp_envelope {
	const char		*sender;	/* "" is the null sender */
	const char *const	*rcpt;
	size_t			 nrcpt;
	uint64_t		 size;		/* octets, 0 unknown */
	bool			 eightbit;	/* RFC 6152 */
	bool			 utf8;		/* RFC 6531 */
	const char		*ret;		/* RFC 3461: FULL HDRS NULL */
	const char		*envid;		/* not yet xtext, or NULL */
	const char		*notify;	/* "FAILURE,DELAY" or NULL */
};

/* The socket's path: RUN/smtpd/submit.sock.  0, or -1 with ENAMETOOLONG. */
int	 smtp_submit_path(const char *run_dir, char *out, size_t size);

/* Just connect; the descriptor, or -1 with errno. */
int	 smtp_submit_connect(const char *path);

/* Ready for smtp_submit_close(), connected to nothing. */
void	 smtp_submit_init(struct smtp_submit *);
/* path: of the socket; helo: our name. */
int	 smtp_submit_open(struct smtp_submit *, const char *path,
	    const char *helo);
/*
 * 0 only when the sender and every recipient were accepted.  refused (may be
 * NULL) is called for each recipient that was not; reply is then that of
 * the last temporary refusal, else of the last.
 */
int	 smtp_submit_envelope(struct smtp_submit *,
	    const struct smtp_envelope *, void (*refused)(const char *rcpt,
	    const struct smtp_reply *, void *arg), void *arg);
/* RSET: forget the envelope, refused or not, and be ready for another. */
int	 smtp_submit_reset(struct smtp_submit *);
int	 smtp_submit_data(struct smtp_submit *);
/* Wire form, CRLF.  Failure is sticky and shows in smtp_submit_end(). */
void	 smtp_submit_put(struct smtp_submit *, struct slice);
/* Adds a line end when the content has none.  id is set when told. */
int	 smtp_submit_end(struct smtp_submit *);
/*
 * Push out what is buffered: an early look at a server that has gone.
 */
int	 smtp_submit_flush(struct smtp_submit *);
/* QUIT when between messages, then close.  Harmless when not open. */
void	 smtp_submit_close(struct smtp_submit *);

#endif
