/*
 * SCRAM's messages from a client (RFC 5802 7), taken apart.  Pure; whether what
 * they say is right is decided elsewhere.
 */
#ifndef NET_SCRAM_H
#define NET_SCRAM_H

#include "lib/base/slice.h"
#include "lib/net/sasl_gs2.h"

/* Borrowed from the message. */
struct scram_first {
	struct sasl_gs2	 gs2;		/* its rest: client-first-bare */
	struct slice	 user;		/* as written: a saslname */
	struct slice	 nonce;
};

struct scram_final {
	struct slice	 binding;	/* "c=", base 64 */
	struct slice	 nonce;
	struct slice	 proof;		/* "p=", base 64 */
	struct slice	 unproven;	/* client-final-message-without-proof */
};

/*
 * 0, or -1 with errno EINVAL.  Extensions whose letters we do not know are
 * passed over, "m=" is refused wherever it stands (RFC 5802 5.1).
 */
int	 scram_parse_first(struct slice, struct scram_first *);
int	 scram_parse_final(struct slice, struct scram_final *);

#endif
