/* Contract in config_keys.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config_keys.h"
#include "lib/base/config_via.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

#define TOP(f)		offsetof(struct config, f)
#define LISTEN(f)	offsetof(struct config_listen, f)
#define SMTPD(f)	offsetof(struct config_smtpd, f)
#define QUEUE(f)	offsetof(struct config_queue, f)
#define ROUTE(f)	offsetof(struct config_route, f)
#define POP3D(f)	offsetof(struct config_pop3d, f)
#define IMAPD(f)	offsetof(struct config_imapd, f)
#define AUTHD(f)	offsetof(struct config_authd, f)
#define SPAWNER(f)	offsetof(struct config_spawner, f)
#define RESOLVER(f)	offsetof(struct config_resolver, f)
#define STUB(f)		offsetof(struct config_stub, f)
#define REMOTE(f)	offsetof(struct config_remote, f)

#define KB		"K"
#define MB		"M"
#define DAYS(n)		((n) * 86400ull)

/* What smtpd, pop3d and imapd have alike. */
#define LISTENERS(section, at, conns, addr, netw, idle, total)		      \
	{ section, "max-connections", KEY_UINT, at(net.max_connections),      \
	    conns, 1, 20000, NULL },					      \
	{ section, "max-per-address", KEY_UINT, at(net.max_per_address),      \
	    addr, 1, 20000, NULL },					      \
	{ section, "max-per-network", KEY_UINT, at(net.max_per_network),      \
	    netw, 1, 20000, NULL },					      \
	{ section, "max-rate", KEY_UINT, at(net.max_rate), "0", 0, 1000000,   \
	    NULL },							      \
	{ section, "idle-timeout", KEY_TIME, at(net.idle_timeout), idle, 1,   \
	    DAYS(1), NULL },						      \
	{ section, "total-timeout", KEY_TIME, at(net.total_timeout), total,   \
	    1, DAYS(7), NULL },						      \
	{ section, "drain-timeout", KEY_TIME, at(net.drain_timeout), "5s", 0, \
	    3600, NULL }

const struct config_key	 config_keys[] = {
	{ "", "hostname", KEY_DOMAIN, TOP(hostname), NULL, 0, 0, NULL },
	{ "", "domains", KEY_DOMAINS, TOP(domains), "", 0, 0, NULL },
	{ "", "postmaster", KEY_ADDRESS, TOP(postmaster), NULL, 0, 0, NULL },
	{ "", "trusted", KEY_NETWORKS, TOP(trusted), "127.0.0.0/8 ::1", 0, 0,
	    NULL },
	{ "", "relay-domains", KEY_DOMAINS, TOP(relay_domains), "", 0, 0,
	    NULL },
	{ "", "relay-recipients", KEY_PATH, TOP(relay_recipients), NULL, 0, 0,
	    NULL },
	{ "", "spool-dir", KEY_PATH, TOP(spool_dir),
	    LOCALSTATEDIR "/spool/merpati", 0, 0, NULL },
	{ "", "run-dir", KEY_PATH, TOP(run_dir), RUNSTATEDIR "/merpati", 0, 0,
	    NULL },
	{ "", "mail-home", KEY_PATTERN, TOP(mail_home),
	    LOCALSTATEDIR "/mail/%d/%n", 0, 0, NULL },
	{ "", "users-file", KEY_PATH, TOP(users_file), SYSCONFDIR "/users", 0,
	    0, NULL },
	{ "", "aliases-file", KEY_PATH, TOP(aliases_file),
	    SYSCONFDIR "/aliases", 0, 0, NULL },
	{ "", "libexec-dir", KEY_PATH, TOP(libexec_dir), LIBEXECDIR, 0, 0,
	    NULL },
	{ "", "log-dir", KEY_PATH, TOP(log_dir), NULL, 0, 0, NULL },
	{ "", "service-dir", KEY_PATH, TOP(service_dir), NULL, 0, 0, NULL },
	{ "", "log-level", KEY_CHOICE, TOP(log_level), "info", 0, 0,
	    "debug info warn" },
	{ "", "tag", KEY_STRING, TOP(tag), "+", 0, 0, NULL },
	{ "", "always-bcc", KEY_ADDRESS, TOP(always_bcc), NULL, 0, 0, NULL },
	{ "", "soft-bounce", KEY_BOOL, TOP(soft_bounce), "no", 0, 0, NULL },
	{ "", "message-size", KEY_SIZE, TOP(message_size), "64" MB, 1024,
	    1ull << 40, NULL },
	{ "", "min-free", KEY_SIZE, TOP(min_free), "64" MB, 0, 1ull << 50,
	    NULL },
	{ "", "mailbox", KEY_MBOX, TOP(mailbox_mbox), "maildir", 0, 0,
	    "maildir mbox" },
	{ "", "mbox-path", KEY_PATTERN, TOP(mbox_path), NULL, 0, 0, NULL },
	{ "", "mail-user", KEY_STRING, TOP(mail_user), "merpati-mail", 0, 0,
	    NULL },

	{ "listen", "role", KEY_ROLE, LISTEN(role), "mx", 0, 0,
	    "mx submission lmtp pop3 imap" },
	{ "listen", "proxy", KEY_BOOL, LISTEN(proxy), "no", 0, 0, NULL },

	LISTENERS("smtpd", SMTPD, "500", "50", "100", "5m", "2h"),
	{ "smtpd", "max-recipients", KEY_UINT, SMTPD(max_recipients), "1000",
	    1, 100000, NULL },
	{ "smtpd", "max-recipients-submission", KEY_UINT,
	    SMTPD(max_recipients_submission), "10000", 1, 100000, NULL },
	{ "smtpd", "max-errors", KEY_UINT, SMTPD(max_errors), "20", 1, 10000,
	    NULL },
	{ "smtpd", "max-hops", KEY_UINT, SMTPD(max_hops), "50", 1, 1000,
	    NULL },
	{ "smtpd", "max-command", KEY_UINT, SMTPD(max_command), "2048", 512,
	    32768, NULL },
	{ "smtpd", "data-timeout", KEY_TIME, SMTPD(data_timeout), "3m", 1,
	    DAYS(1), NULL },
	{ "smtpd", "greet-delay-ms", KEY_UINT, SMTPD(greet_delay_ms), "0", 0,
	    60000, NULL },
	{ "smtpd", "access-client", KEY_LIST, SMTPD(access_client), "", 0, 0,
	    NULL },
	{ "smtpd", "access-sender", KEY_LIST, SMTPD(access_sender), "", 0, 0,
	    NULL },
	{ "smtpd", "access-recipient", KEY_LIST, SMTPD(access_recipient), "",
	    0, 0, NULL },

	{ "queue", "retry", KEY_TIMES, QUEUE(retry), "15m", 1, DAYS(30),
	    NULL },
	{ "queue", "warn-after", KEY_TIME, QUEUE(warn_after), "4h", 1,
	    DAYS(365), NULL },
	{ "queue", "expire", KEY_TIME, QUEUE(expire), "5d", 1, DAYS(365),
	    NULL },
	{ "queue", "quota-grace", KEY_TIME, QUEUE(quota_grace), "1d", 0,
	    DAYS(365), NULL },
	{ "queue", "workers", KEY_UINT, QUEUE(workers), "4", 1, 64, NULL },
	{ "queue", "warn", KEY_BOOL, QUEUE(warn), "yes", 0, 0, NULL },

	{ "route", "via", KEY_VIA, ROUTE(via), "mx", 0, 0, NULL },
	{ "route", "user", KEY_STRING, ROUTE(user), NULL, 0, 0, NULL },
	{ "route", "password-file", KEY_PATH, ROUTE(password_file), NULL, 0, 0,
	    NULL },
	{ "route", "tls", KEY_CHOICE, ROUTE(tls), NULL, 0, 0,
	    "off opportunistic required verified" },

	LISTENERS("pop3d", POP3D, "500", "50", "100", "10m", "2h"),
	{ "pop3d", "max-connections-per-user", KEY_UINT, POP3D(max_per_user),
	    "10", 1, 20000, NULL },
	{ "pop3d", "login-timeout", KEY_TIME, POP3D(login_timeout), "1m", 1,
	    3600, NULL },
	{ "pop3d", "login-delay", KEY_TIME, POP3D(login_delay), "0", 0,
	    DAYS(1), NULL },
	{ "pop3d", "expire", KEY_DAYS, POP3D(expire), "never", 0, 100000,
	    NULL },

	LISTENERS("imapd", IMAPD, "2000", "50", "100", "30m", "7d"),
	{ "imapd", "max-connections-per-user", KEY_UINT, IMAPD(max_per_user),
	    "10", 1, 20000, NULL },
	{ "imapd", "login-timeout", KEY_TIME, IMAPD(login_timeout), "1m", 1,
	    3600, NULL },
	{ "imapd", "max-command", KEY_SIZE, IMAPD(max_command), "256" KB,
	    8192, 1ull << 24, NULL },
	{ "imapd", "drafts", KEY_STRING, IMAPD(drafts), "Drafts", 0, 0, NULL },
	{ "imapd", "sent", KEY_STRING, IMAPD(sent), "Sent", 0, 0, NULL },
	{ "imapd", "junk", KEY_STRING, IMAPD(junk), "Junk", 0, 0, NULL },
	{ "imapd", "trash", KEY_STRING, IMAPD(trash), "Trash", 0, 0, NULL },
	{ "imapd", "archive", KEY_STRING, IMAPD(archive), "Archive", 0, 0,
	    NULL },

	{ "authd", "hashers", KEY_UINT, AUTHD(hashers), "0", 0, 64, NULL },
	{ "authd", "cache", KEY_TIME, AUTHD(cache), "5m", 0, DAYS(1), NULL },
	{ "authd", "scheme", KEY_CHOICE, AUTHD(scheme), "yescrypt", 0, 0,
	    "yescrypt sha512-crypt bcrypt" },

	{ "spawner", "min-uid", KEY_UINT, SPAWNER(min_uid), "100", 1,
	    4294967294u, NULL },
	{ "spawner", "idle", KEY_TIME, SPAWNER(idle), "5m", 1, DAYS(1),
	    NULL },
	{ "spawner", "mail-roots", KEY_LIST, SPAWNER(mail_roots), "", 0, 0,
	    NULL },

	{ "resolver", "forward", KEY_SERVERS, RESOLVER(forward), "", 0, 0,
	    NULL },
	{ "resolver", "trust-anchor", KEY_PATHS, RESOLVER(trust_anchor),
	    CONFIG_ROOT_KEY, 0, 0, NULL },
	{ "resolver", "dnssec", KEY_CHOICE, RESOLVER(dnssec), "auto", 0, 0,
	    "auto yes no" },
	{ "resolver", "cache-size", KEY_SIZE, RESOLVER(cache_size), "16" MB,
	    1ull << 16, 1ull << 36, NULL },
	{ "resolver", "timeout", KEY_TIME, RESOLVER(timeout), "15s", 1, 20,
	    NULL },
	{ "resolver", "resolv-conf", KEY_PATH_OR_NONE, RESOLVER(resolv_conf),
	    "/etc/resolv.conf", 0, 0, NULL },

	{ "stub", "server", KEY_SERVERS, STUB(server), "", 0, 0, NULL },
	{ "stub", "insecure", KEY_BOOL, STUB(insecure), "no", 0, 0, NULL },

	{ "remote", "helo", KEY_DOMAIN, REMOTE(helo), NULL, 0, 0, NULL },
	{ "remote", "source-ipv4", KEY_IPV4, REMOTE(source_ipv4), NULL, 0, 0,
	    NULL },
	{ "remote", "source-ipv6", KEY_IPV6, REMOTE(source_ipv6), NULL, 0, 0,
	    NULL },
	{ "remote", "ipv4", KEY_BOOL, REMOTE(ipv4), "yes", 0, 0, NULL },
	{ "remote", "ipv6", KEY_BOOL, REMOTE(ipv6), "yes", 0, 0, NULL },
	{ "remote", "tls", KEY_CHOICE, REMOTE(tls), "opportunistic", 0, 0,
	    "off opportunistic required verified" },
	{ "remote", "ca-file", KEY_PATH, REMOTE(ca_file),
	    "/etc/ssl/certs/ca-certificates.crt", 0, 0, NULL },
	{ "remote", "port", KEY_UINT, REMOTE(port), "25", 1, 65535, NULL },
	{ "remote", "connect-timeout", KEY_TIME, REMOTE(connect_timeout),
	    "30s", 1, 3600, NULL },
	{ "remote", "greeting-timeout", KEY_TIME, REMOTE(greeting_timeout),
	    "5m", 1, 3600, NULL },
	{ "remote", "command-timeout", KEY_TIME, REMOTE(command_timeout),
	    "5m", 1, 3600, NULL },
	{ "remote", "data-timeout", KEY_TIME, REMOTE(data_timeout), "10m", 1,
	    3600, NULL },
	{ "remote", "idle", KEY_TIME, REMOTE(idle), "30s", 1, 3600, NULL },
	{ "remote", "max-connections", KEY_UINT, REMOTE(max_connections),
	    "100", 1, 10000, NULL },
	{ "remote", "max-per-destination", KEY_UINT,
	    REMOTE(max_per_destination), "20", 1, 10000, NULL },
};
const size_t	 config_nkeys = sizeof(config_keys) / sizeof(config_keys[0]);

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
	case KEY_ROLE:
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

bool
config_key_is_list(const struct config_key *k)
{
	return k->type == KEY_LIST || k->type == KEY_DOMAINS ||
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
	case KEY_IPV4:
	case KEY_IPV6:
		*(char **)field = value == NULL ? NULL : xstrdup(value);
		if (k->type == KEY_DOMAIN && value != NULL)
			text_lower_str(*(char **)field);
		break;
	case KEY_ROLE:
		*(enum config_role *)field = config_role(value);
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
	case KEY_IPV4:
	case KEY_IPV6:
		free(*(char **)field);
		break;
	case KEY_LIST:
	case KEY_DOMAINS:
	case KEY_NETWORKS:
	case KEY_PATHS:
	case KEY_SERVERS:
		for (i = 0; i < list->n; i++)
			free(list->item[i]);
		free(list->item);
		break;
	case KEY_ROLE:
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
