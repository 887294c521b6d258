/*
 * What the mechanisms of sasl_server.h share; for lib/net/sasl_*.c alone.
 *
 * A mechanism is a function that is called with each message of the client,
 * and knows from turn which one it is.
 */
#ifndef NET_SASL_PARTS_H
#define NET_SASL_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/net/sasl_server.h"

struct sasl_mechanism {
	const char		*name;
	const char		*greeting;	/* first challenge of the one
						 * without initial response */
	enum sasl_status	(*step)(struct sasl_server *,
				    struct slice message,
				    struct buf *challenge,
				    struct auth_check *);
	/* The challenge that tells of authd's no; NULL: there is none. */
	void			(*refuse)(const struct sasl_server *,
				    struct buf *challenge);
	const char		*hash;		/* of SCRAM, for authd */
	size_t			 proof;		/* its octets */
	/* When it can be offered. */
	bool			 clear;		/* a secret is in the message */
	bool			 bound;		/* to a TLS channel */
	bool			 token;		/* needs an OAuth server */
	bool			 certificate;	/* needs the client's */
};

struct sasl_server {
	const struct sasl_place		*place;
	const struct sasl_mechanism	*mech;
	const char			*reason;
	unsigned int			 turn;	/* messages before this one */
	bool				 over;	/* no message may come now */
	bool				 told;	/* authd has logged why */
	char				 user[AUTH_USER_MAX + 1];
	/* Of SCRAM. */
	struct buf			 binding;	/* what "c=" must be,
							 * decoded */
	char				 first[AUTH_MESSAGE_MAX + 1];
	struct slice			 nonce;	/* in message of begun */
	struct auth_scram_first		 begun;
	char				 pass[AUTH_PASS_LEN + 1];
};

/* The mechanisms. */
enum sasl_status	 sasl_plain_step(struct sasl_server *, struct slice,
			    struct buf *, struct auth_check *);
enum sasl_status	 sasl_login_step(struct sasl_server *, struct slice,
			    struct buf *, struct auth_check *);
enum sasl_status	 sasl_external_step(struct sasl_server *, struct slice,
			    struct buf *, struct auth_check *);
enum sasl_status	 sasl_scram_step(struct sasl_server *, struct slice,
			    struct buf *, struct auth_check *);
enum sasl_status	 sasl_oauthbearer_step(struct sasl_server *,
			    struct slice, struct buf *, struct auth_check *);
enum sasl_status	 sasl_xoauth2_step(struct sasl_server *, struct slice,
			    struct buf *, struct auth_check *);
void			 sasl_oauthbearer_refuse(const struct sasl_server *,
			    struct buf *);
void			 sasl_xoauth2_refuse(const struct sasl_server *,
			    struct buf *);

/* Is a -PLUS announced here: do both sides know that binding is possible? */
bool			 sasl_can_bind(const struct sasl_place *);
/* Wipe *check and set what does not depend on the message. */
void			 sasl_begin_check(const struct sasl_server *,
			    enum auth_method, struct auth_check *);
/* The status, with a reason. */
enum sasl_status	 sasl_fail(struct sasl_server *, enum sasl_status,
			    const char *reason);
/* The same; authd said so, and has logged it. */
enum sasl_status	 sasl_fail_told(struct sasl_server *, enum sasl_status,
			    const char *reason);

#endif
