/* Contract in config_via.h. */
#include <arpa/inet.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/config_keys.h"
#include "lib/base/config_via.h"
#include "lib/base/text.h"

static const char	 via_forms[] = "not \"mx\", \"host:port\", "
    "\"[host]:port\", \"lmtp:[host]:port\" or \"lmtp:unix:/path\"";

/* ":PORT" or nothing. */
static bool
via_port(const char *text, struct config_via *out)
{
	uint64_t	 port;

	if (*text == '\0')
		return true;
	if (*text != ':' ||
	    text_u64(slice_str(text + 1), 65535, &port) == -1 || port == 0)
		return false;
	out->port = (uint16_t)port;
	return true;
}

static bool
via_host(const char *text, size_t len, struct config_via *out)
{
	if (len == 0 || len >= sizeof(out->host))
		return false;
	memcpy(out->host, text, len);
	out->host[len] = '\0';
	text_lower_str(out->host);
	return true;
}

static bool
via_is_address(const char *host)
{
	unsigned char	 addr[16];

	return inet_pton(AF_INET, host, addr) == 1 ||
	    inet_pton(AF_INET6, host, addr) == 1;
}

/* "[HOST]" and perhaps a port. */
static const char *
via_bracket(const char *text, struct config_via *out)
{
	const char	*end = strchr(text, ']');

	if (end == NULL ||
	    !via_host(text + 1, (size_t)(end - text - 1), out) ||
	    !via_port(end + 1, out))
		return via_forms;
	out->kind = via_is_address(out->host) ? VIA_ADDRESS : VIA_HOST;
	if (out->kind == VIA_HOST && !config_is_domain(out->host))
		return "no host name or address stands between the brackets";
	if (out->lmtp && out->port == 0)
		return "LMTP has no usual port: \"lmtp:[host]:port\"";
	return NULL;
}

const char *
config_via_parse(const char *text, struct config_via *out)
{
	size_t	 len;

	memset(out, 0, sizeof(*out));
	if (strcmp(text, "mx") == 0)
		return NULL;
	if (strncmp(text, "lmtp:", 5) == 0) {
		out->lmtp = true;
		text += 5;
		if (strncmp(text, "unix:", 5) == 0) {
			out->kind = VIA_UNIX;
			text += 5;
			if (*text != '/' || strlcpy(out->path, text,
			    sizeof(out->path)) >= sizeof(out->path))
				return "the socket's path must be absolute, "
				    "of at most 107 octets";
			return NULL;
		}
		if (*text != '[')
			return via_forms;
	}
	if (*text == '[')
		return via_bracket(text, out);
	len = strcspn(text, ":");
	out->kind = VIA_MX_OF;
	if (!via_host(text, len, out) || !via_port(text + len, out))
		return via_forms;
	if (via_is_address(out->host))
		return "an address stands in brackets, like "
		    "\"[192.0.2.1]:25\"";
	return config_is_domain(out->host) ? NULL : via_forms;
}
