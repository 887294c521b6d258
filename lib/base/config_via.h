/*
 * What the key via of a route section says: where its mail goes.
 *
 *	mx			as DNS says for the recipient's domain
 *	host:port		as DNS says (MX) for host
 *	[host]:port		to host itself; also [192.0.2.1], [2001:db8::1]
 *	lmtp:[host]:port	the same, by LMTP
 *	lmtp:unix:/path		by LMTP to a local socket
 *
 * ":port" may be left out but for LMTP, which has no port of its own.
 */
#ifndef BASE_CONFIG_VIA_H
#define BASE_CONFIG_VIA_H

#include <stdbool.h>
#include <stdint.h>

enum config_via_kind {
	VIA_MX,			/* of the recipient's domain */
	VIA_MX_OF,		/* of host */
	VIA_HOST,		/* host's addresses */
	VIA_ADDRESS,		/* host is an address */
	VIA_UNIX		/* LMTP to path */
};

struct config_via {
	enum config_via_kind	 kind;
	bool			 lmtp;
	uint16_t		 port;		/* 0: the usual one */
	char			 host[256];	/* lower case */
	char			 path[108];
};

/* NULL with *out filled, or the reason, static, why text is none. */
const char	*config_via_parse(const char *text, struct config_via *out);

#endif
