/* Contract in config_keys.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config_keys.h"
#include "lib/base/config_url.h"
#include "lib/base/config_via.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

const struct config_key *
config_key_find(const char *section, const char *name)
{
	size_t	 i;

	/* libconfuse calls the top level "root". */
	if (strcmp(section, "root") == 0)
		section = "";
	for (i = 0; i < config_nkeys; i++)
		if (strcmp(config_keys[i].section, section) == 0 &&
		    strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

/* A number with one unit letter; the scale by units, like "s1 m60". */
static int
config_scaled(const char *value, bool size, uint64_t max, uint64_t *out)
{
	static const struct { char c; uint64_t times, sizes; } units[] = {
		{ 's', 1, 0 }, { 'm', 60, 0 }, { 'h', 3600, 0 },
		{ 'd', 86400, 0 }, { 'w', 604800, 0 },
		{ 'K', 0, 1ull << 10 }, { 'M', 0, 1ull << 20 },
		{ 'G', 0, 1ull << 30 }, { 'T', 0, 1ull << 40 },
	};
	struct slice	 v = slice_str(value);
	uint64_t	 scale = 1;
	size_t		 i;

	if (v.len > 0 && !text_is_digit(v.ptr[v.len - 1])) {
		for (i = 0, scale = 0; i < sizeof(units) / sizeof(*units); i++)
			if (units[i].c == v.ptr[v.len - 1])
				scale = size ? units[i].sizes : units[i].times;
		v.len--;
	}
	if (scale == 0 || text_u64(v, max / scale, out) == -1)
		return -1;
	*out *= scale;
	return 0;
}

bool
config_is_domain(const char *s)
{
	size_t	 len = strlen(s), label = 0, i;

	if (len == 0 || len > 253)
		return false;
	for (i = 0; i <= len; i++) {
		if (i == len || s[i] == '.') {
			if (label == 0 || label > 63 || s[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!text_is_alnum(s[i]) && (s[i] != '-' || label == 0) &&
		    (unsigned char)s[i] < 0x80)
			return false;
		label++;
	}
	return text_is_utf8(slice_str(s));
}

static bool
config_is_network(const char *s)
{
	unsigned char	 addr[16];
	char		 host[64];
	const char	*slash = strchr(s, '/');
	uint64_t	 bits;
	size_t		 len = slash == NULL ? strlen(s) : (size_t)(slash - s);
	int		 v6;

	if (len >= sizeof(host))
		return false;
	memcpy(host, s, len);
	host[len] = '\0';
	v6 = strchr(host, ':') != NULL;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, host, addr) != 1)
		return false;
	return slash == NULL || text_u64(slice_str(slash + 1), v6 ? 128 : 32,
	    &bits) == 0;
}

bool
config_is_endpoint(const char *s)
{
	unsigned char	 addr[16];
	char		 host[64];
	const char	*colon;
	uint64_t	 port;
	size_t		 len;
	bool		 v6 = *s == '[';

	if (strncmp(s, "unix:", 5) == 0)
		return s[5] == '/' && strlen(s + 5) < 108;
	if ((colon = strrchr(s, ':')) == NULL ||
	    text_u64(slice_str(colon + 1), 65535, &port) == -1 || port == 0)
		return false;
	len = (size_t)(colon - s);
	if (v6) {
		if (len < 2 || s[len - 1] != ']')
			return false;
		s++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return false;
	memcpy(host, s, len);
	host[len] = '\0';
	return inet_pton(v6 ? AF_INET6 : AF_INET, host, addr) == 1;
}

static bool
config_is_choice(const char *choices, const char *value)
{
	const char	*p = choices;
	size_t		 len = strlen(value);

	while (*p != '\0') {
		size_t	 n = strcspn(p, " ");

		if (n == len && memcmp(p, value, n) == 0)
			return true;
		p += n;
		p += *p == ' ';
	}
	return false;
}

static bool
config_is_address(const char *s)
{
	const char	*at = strrchr(s, '@');

	return at != NULL && at != s && strpbrk(s, " \t<>") == NULL &&
	    config_is_domain(at + 1);
}

/* A name server: "ADDRESS", "V4:PORT" or "[V6]:PORT". */
static bool
config_is_server(const char *s)
{
	unsigned char	 addr[16];

	return inet_pton(AF_INET, s, addr) == 1 ||
	    inet_pton(AF_INET6, s, addr) == 1 ||
	    (*s != 'u' && config_is_endpoint(s));
}

const char *
config_key_check(const struct config_key *k, const char *value)
{
	struct config_via	 via;
	unsigned char		 addr[16];
	uint64_t		 n;
	size_t			 i;

	for (i = 0; value[i] != '\0'; i++)
		if (text_is_control(value[i]))
			return "control octets are not allowed";
	switch (k->type) {
	case KEY_STRING:
	case KEY_LIST:
		return NULL;
	case KEY_PATTERN:
		for (i = 0; value[i] != '\0'; i++)
			if (value[i] == '%' && (value[++i] == '\0' ||
			    strchr("dn%", value[i]) == NULL))
				return "only %d, %n and %% may stand in it";
		/* FALLTHROUGH */
	case KEY_PATH:
		return *value == '/' ? NULL : "not an absolute path";
	case KEY_DOMAIN:
		/* It goes into greetings, EHLO (RFC 6531 3.7.1) and DNS. */
		if (!text_is_ascii(slice_str(value)))
			return "not in ASCII, in which DNS has it as xn--...";
		/* FALLTHROUGH */
	case KEY_DOMAINS:
		return config_is_domain(value) ? NULL : "not a domain name";
	case KEY_ADDRESS:
		return config_is_address(value) ? NULL :
		    "not an address like name@example.org";
	case KEY_PATHS:
	case KEY_PATH_OR_NONE:
		return *value == '/' || *value == '\0' ? NULL :
		    "not an absolute path";
	case KEY_SERVERS:
		return config_is_server(value) ? NULL :
		    "not a server like 192.0.2.53, 127.0.0.1:5300 or "
		    "[2001:db8::53]:53";
	case KEY_URL:
		return config_url_wrong(value);
	case KEY_IPV4:
		return inet_pton(AF_INET, value, addr) == 1 ? NULL :
		    "not an IPv4 address";
	case KEY_IPV6:
		return inet_pton(AF_INET6, value, addr) == 1 ? NULL :
		    "not an IPv6 address";
	case KEY_NETWORKS:
		return config_is_network(value) ? NULL :
		    "not a network like 192.0.2.0/24 or 2001:db8::/32";
	case KEY_CHOICE:
	case KEY_CHOICES:
	case KEY_ROLE:
	case KEY_TLS:
	case KEY_MBOX:
		return config_is_choice(k->choices, value) ? NULL :
		    k->choices;
	case KEY_VIA:
		return config_via_parse(value, &via);
	case KEY_BOOL:
		return config_is_choice("yes no true false on off", value) ?
		    NULL : "not yes or no";
	case KEY_DAYS:
		if (strcmp(value, "never") == 0)
			return NULL;
		return text_u64(slice_str(value), k->max, &n) == 0 ? NULL :
		    "not a number of days or \"never\"";
	case KEY_UINT:
		if (text_u64(slice_str(value), UINT64_MAX, &n) == -1)
			return "not a number";
		break;
	case KEY_TIME:
	case KEY_TIMES:
		if (config_scaled(value, false, UINT32_MAX, &n) == -1)
			return "not a time like 30s, 15m, 4h, 5d";
		break;
	case KEY_SIZE:
		if (config_scaled(value, true, UINT64_MAX, &n) == -1)
			return "not a size like 4096, 10K, 50M, 2G";
		break;
	}
	if (n < k->min)
		return "too small";
	if (n > k->max)
		return "too large";
	return NULL;
}

static enum config_role
config_role(const char *value)
{
	if (strcmp(value, "submission") == 0)
		return ROLE_SUBMISSION;
	if (strcmp(value, "lmtp") == 0)
		return ROLE_LMTP;
	if (strcmp(value, "pop3") == 0)
		return ROLE_POP3;
	if (strcmp(value, "imap") == 0)
		return ROLE_IMAP;
	return ROLE_MX;
}

static enum config_tls
config_tls(const char *value)
{
	if (strcmp(value, "off") == 0)
		return TLS_OFF;
	if (strcmp(value, "starttls") == 0)
		return TLS_STARTTLS;
	if (strcmp(value, "implicit") == 0)
		return TLS_IMPLICIT;
	return TLS_AUTO;
}

bool
config_key_is_list(const struct config_key *k)
{
	return k->type == KEY_LIST || k->type == KEY_CHOICES ||
	    k->type == KEY_DOMAINS ||
	    k->type == KEY_NETWORKS || k->type == KEY_TIMES ||
	    k->type == KEY_PATHS || k->type == KEY_SERVERS;
}

void
config_key_store(const struct config_key *k, const char *value, void *field)
{
	struct config_times	*times;
	uint64_t		 n = 0;

	switch (k->type) {
	case KEY_STRING:
	case KEY_PATH:
	case KEY_PATTERN:
	case KEY_VIA:
	case KEY_DOMAIN:
	case KEY_ADDRESS:
	case KEY_CHOICE:
	case KEY_PATH_OR_NONE:
	case KEY_URL:
	case KEY_IPV4:
	case KEY_IPV6:
		*(char **)field = value == NULL ? NULL : xstrdup(value);
		if (k->type == KEY_DOMAIN && value != NULL)
			text_lower_str(*(char **)field);
		break;
	case KEY_ROLE:
		*(enum config_role *)field = config_role(value);
		break;
	case KEY_TLS:
		*(enum config_tls *)field = config_tls(value);
		break;
	case KEY_MBOX:
		*(bool *)field = strcmp(value, "mbox") == 0;
		break;
	case KEY_BOOL:
		*(bool *)field = *value == 'y' || *value == 't' ||
		    strcmp(value, "on") == 0;
		break;
	case KEY_DAYS:
		if (strcmp(value, "never") == 0) {
			*(int *)field = -1;
			break;
		}
		text_u64(slice_str(value), k->max, &n);
		*(int *)field = (int)n;
		break;
	case KEY_UINT:
		text_u64(slice_str(value), UINT32_MAX, &n);
		*(unsigned int *)field = (unsigned int)n;
		break;
	case KEY_TIME:
		config_scaled(value, false, UINT32_MAX, &n);
		*(unsigned int *)field = (unsigned int)n;
		break;
	case KEY_TIMES:
		times = field;
		config_scaled(value, false, UINT32_MAX, &n);
		if (times->n < CONFIG_TIMES)
			times->item[times->n++] = (unsigned int)n;
		break;
	case KEY_SIZE:
		config_scaled(value, true, UINT64_MAX, &n);
		*(uint64_t *)field = n;
		break;
	case KEY_LIST:
	case KEY_CHOICES:
	case KEY_DOMAINS:
	case KEY_NETWORKS:
	case KEY_PATHS:
	case KEY_SERVERS:
		break;		/* config_store_list() */
	}
}

void
config_key_default_list(const struct config_key *k, struct config_list *list)
{
	const char	*p = k->value;
	size_t		 n;

	while (*p != '\0') {
		n = strcspn(p, " ");
		list->item = xreallocarray(list->item, list->n + 2,
		    sizeof(*list->item));
		list->item[list->n++] = xstrndup(p, n);
		list->item[list->n] = NULL;
		p += n;
		p += *p == ' ';
	}
}

void
config_key_free(const struct config_key *k, void *field)
{
	struct config_list	*list = field;
	size_t			 i;

	switch (k->type) {
	case KEY_STRING:
	case KEY_PATH:
	case KEY_PATTERN:
	case KEY_VIA:
	case KEY_DOMAIN:
	case KEY_ADDRESS:
	case KEY_CHOICE:
	case KEY_PATH_OR_NONE:
	case KEY_URL:
	case KEY_IPV4:
	case KEY_IPV6:
		free(*(char **)field);
		break;
	case KEY_LIST:
	case KEY_CHOICES:
	case KEY_DOMAINS:
	case KEY_NETWORKS:
	case KEY_PATHS:
	case KEY_SERVERS:
		for (i = 0; i < list->n; i++)
			free(list->item[i]);
		free(list->item);
		break;
	case KEY_ROLE:
	case KEY_TLS:
	case KEY_MBOX:
	case KEY_BOOL:
	case KEY_TIME:
	case KEY_TIMES:
	case KEY_UINT:
	case KEY_DAYS:
	case KEY_SIZE:
		break;
	}
}
