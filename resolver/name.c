/* Contract in name.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "resolver/name.h"

#define HOST_MAX	253	/* octets without the final dot */
#define LABEL_MAX	63

bool
name_is_host(const char *name)
{
	size_t	 i, label = 0;

	for (i = 0; name[i] != '\0'; i++) {
		if (name[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if ((!text_is_alnum(name[i]) && name[i] != '-' &&
		    name[i] != '_') || ++label > LABEL_MAX)
			return false;
	}
	return label > 0 && i <= HOST_MAX;
}

bool
name_parse(const char *in, char out[RESOLVER_NAME_MAX])
{
	char	 work[RESOLVER_NAME_MAX], ascii[ADDRESS_DOMAIN_MAX + 1];
	size_t	 len;

	len = strlcpy(work, in, sizeof(work));
	if (len == 0 || len >= sizeof(work))
		return false;
	if (work[len - 1] == '.')
		work[len - 1] = '\0';
	if (address_domain_ascii(work, ascii) == -1 || !name_is_host(ascii))
		return false;
	memcpy(out, ascii, strlen(ascii) + 1);
	return true;
}

bool
name_address(const char *in, char addr[RESOLVER_ADDR_MAX])
{
	unsigned char	 bin[16];
	int		 family = strchr(in, ':') != NULL ? AF_INET6 : AF_INET;

	return inet_pton(family, in, bin) == 1 &&
	    inet_ntop(family, bin, addr, RESOLVER_ADDR_MAX) != NULL;
}

bool
name_literal(const char *in, char addr[RESOLVER_ADDR_MAX])
{
	char	 work[64];
	size_t	 len = strlen(in);

	if (len < 3 || len >= sizeof(work) || in[0] != '[' ||
	    in[len - 1] != ']')
		return false;
	memcpy(work, in + 1, len - 2);
	work[len - 2] = '\0';
	if (strncasecmp(work, "IPv6:", 5) == 0)
		return strchr(work + 5, ':') != NULL &&
		    name_address(work + 5, addr);
	return name_address(work, addr);
}

bool
name_usable(const char *addr)
{
	struct in_addr	 v4;
	struct in6_addr	 v6;
	uint32_t	 n;

	if (inet_pton(AF_INET, addr, &v4) == 1) {
		n = ntohl(v4.s_addr);
		return n >> 24 != 0 && n >> 28 < 14;	/* 0/8, 224/4, 240/4 */
	}
	return inet_pton(AF_INET6, addr, &v6) == 1 &&
	    !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_MULTICAST(&v6) &&
	    !IN6_IS_ADDR_V4MAPPED(&v6) && !IN6_IS_ADDR_LINKLOCAL(&v6);
}

bool
name_reverse(const char *addr, char out[RESOLVER_NAME_MAX])
{
	static const char	 hex[] = "0123456789abcdef";
	unsigned char		 bin[16];
	char			*p = out;
	int			 i;

	if (inet_pton(AF_INET, addr, bin) == 1) {
		snprintf(out, RESOLVER_NAME_MAX, "%u.%u.%u.%u.in-addr.arpa",
		    bin[3], bin[2], bin[1], bin[0]);
		return true;
	}
	if (inet_pton(AF_INET6, addr, bin) != 1)
		return false;
	for (i = 15; i >= 0; i--) {
		*p++ = hex[bin[i] & 15];
		*p++ = '.';
		*p++ = hex[bin[i] >> 4];
		*p++ = '.';
	}
	strlcpy(p, "ip6.arpa", RESOLVER_NAME_MAX - 64);
	return true;
}

bool
name_take_port(char *name, unsigned int *port)
{
	char		*colon = strrchr(name, ':');
	uint64_t	 n;

	/* A colon inside brackets belongs to an address. */
	if (colon == NULL || strchr(colon, ']') != NULL)
		return true;
	if (text_u64(slice_str(colon + 1), 65535, &n) == -1 || n == 0)
		return false;
	*colon = '\0';
	*port = (unsigned int)n;
	return true;
}
