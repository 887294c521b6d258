/* Contract in config_url.h. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "lib/base/config_url.h"
#include "lib/base/text.h"

static bool
url_is_here(const char *host)
{
	unsigned char	 addr[16];

	return strcasecmp(host, "localhost") == 0 ||
	    strcmp(host, "[::1]") == 0 ||
	    (inet_pton(AF_INET, host, addr) == 1 && addr[0] == 127);
}

/* A name, an IPv4 address, or an IPv6 one in brackets. */
static bool
url_is_host(char *host)
{
	unsigned char	 addr[16];
	size_t		 len = strlen(host), i;
	bool		 ok;

	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		ok = inet_pton(AF_INET6, host + 1, addr) == 1;
		host[len - 1] = ']';
		return ok;
	}
	for (i = 0; i < len; i++)
		if (!text_is_alnum(host[i]) && host[i] != '-' &&
		    (host[i] != '.' || i == 0))
			return false;
	return len > 0;
}

/* "HOST[:PORT]" before what comes next; the host in brackets or not. */
static bool
url_take_host(const char *s, char *host, size_t size)
{
	size_t		 len = strcspn(s, "/?"), n = 0;
	uint64_t	 port;

	if (len > 0 && s[0] == '[')
		n = strcspn(s, "]") + 1;
	while (n < len && s[n] != ':')
		n++;
	if (n > len || n >= size)
		return false;
	if (n < len && (text_u64((struct slice){ s + n + 1, len - n - 1 },
	    65535, &port) == -1 || port == 0))
		return false;
	memcpy(host, s, n);
	host[n] = '\0';
	return url_is_host(host);
}

const char *
config_url_wrong(const char *url)
{
	const char	*p;
	char		 host[256];
	bool		 tls = strncasecmp(url, "https://", 8) == 0;

	for (p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"#<>@\\^`{|}", *p) !=
		    NULL)
			return "not a URL without user and fragment, in "
			    "printable ASCII";
	if (!tls && strncasecmp(url, "http://", 7) != 0)
		return "not a URL like https://sso.example.org/introspect";
	if (!url_take_host(url + (tls ? 8 : 7), host, sizeof(host)))
		return "not a URL with a host and perhaps a port";
	if (!tls && !url_is_here(host))
		return "http: would show secrets to the network; https:, or a "
		    "host of this machine";
	return NULL;
}
