/*
 * The header before a GS2 mechanism's first message (RFC 5801 4, RFC 5802 7),
 * which SCRAM and OAUTHBEARER share: "n,a=alice@example.org,".
 */
#ifndef NET_SASL_GS2_H
#define NET_SASL_GS2_H

#include <stddef.h>

#include "lib/base/slice.h"

enum sasl_gs2_bind {
	SASL_GS2_NONE,		/* "n": the client cannot bind */
	SASL_GS2_UNSEEN,	/* "y": it can, and thinks that we cannot */
	SASL_GS2_BOUND		/* "p=": bound to the channel in this way */
};

/* Borrowed from the message. */
struct sasl_gs2 {
	enum sasl_gs2_bind	 bind;
	struct slice		 binding;	/* its name, or empty */
	struct slice		 authzid;	/* as written, or empty: the
						 * user himself */
	struct slice		 header;	/* all of it */
	struct slice		 rest;		/* what comes after it */
};

/* 0, or -1 with errno EINVAL. */
int	 sasl_gs2_parse(struct slice message, struct sasl_gs2 *);
/*
 * A saslname's octets, with =2C for a comma and =3D for an equals sign.  0, or
 * -1 with errno EINVAL: empty, another "=", a NUL, or size or more octets.
 */
int	 sasl_gs2_name(struct slice, char *out, size_t size);

#endif
