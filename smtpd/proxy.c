/* Contract in proxy.h. */
#include <netinet/in.h>
#include <string.h>

#include "smtpd/proxy.h"

/*
 *	0	signature
 *	12	version 2 << 4 | command (0 local, 1 proxy)
 *	13	family << 4 | transport
 *	14	length of the rest, big-endian
 *	16	source, destination, source port, destination port, appended
 *		type-length-value fields, which we skip
 */
#define HEAD		16
#define TCP4		0x11
#define TCP6		0x21
#define TCP4_LEN	12
#define TCP6_LEN	36

static const char	 signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static void
take_inet(const char *p, struct sockaddr_storage *out)
{
	struct sockaddr_in	 sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	memcpy(&sin.sin_addr, p, 4);
	memcpy(&sin.sin_port, p + 8, 2);
	memcpy(out, &sin, sizeof(sin));
}

static void
take_inet6(const char *p, struct sockaddr_storage *out)
{
	struct sockaddr_in6	 sin6;

	memset(&sin6, 0, sizeof(sin6));
	sin6.sin6_family = AF_INET6;
	memcpy(&sin6.sin6_addr, p, 16);
	memcpy(&sin6.sin6_port, p + 32, 2);
	memcpy(out, &sin6, sizeof(sin6));
}

enum proxy_status
proxy_parse(struct slice in, struct sockaddr_storage *client, size_t *used)
{
	size_t		 n, len;
	unsigned char	 version, family;

	memset(client, 0, sizeof(*client));
	n = in.len < sizeof(signature) ? in.len : sizeof(signature);
	if (n > 0 && memcmp(in.ptr, signature, n) != 0)
		return PROXY_BAD;
	if (in.len < HEAD)
		return PROXY_MORE;
	version = (unsigned char)in.ptr[12];
	family = (unsigned char)in.ptr[13];
	len = (size_t)((unsigned char)in.ptr[14] << 8 |
	    (unsigned char)in.ptr[15]);
	if ((version != 0x20 && version != 0x21) || HEAD + len > PROXY_MAX)
		return PROXY_BAD;
	if (in.len < HEAD + len)
		return PROXY_MORE;
	*used = HEAD + len;
	if (version == 0x20)
		return PROXY_LOCAL;
	switch (family) {
	case TCP4:
		if (len < TCP4_LEN)
			return PROXY_BAD;
		take_inet(in.ptr + HEAD, client);
		return PROXY_OK;
	case TCP6:
		if (len < TCP6_LEN)
			return PROXY_BAD;
		take_inet6(in.ptr + HEAD, client);
		return PROXY_OK;
	case 0:
		return PROXY_LOCAL;
	}
	return PROXY_BAD;	/* datagrams and unix sockets bring no mail */
}

size_t
proxy_missing(struct slice in)
{
	size_t	 whole = HEAD;

	if (in.len >= HEAD)
		whole += (size_t)((unsigned char)in.ptr[14] << 8 |
		    (unsigned char)in.ptr[15]);
	return in.len < whole ? whole - in.len : 1;
}
