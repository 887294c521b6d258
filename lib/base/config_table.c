/* The table of config_keys.h. */
#include <stddef.h>

#include "lib/base/config_keys.h"

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
#define CERT(f)		offsetof(struct config_certificate, f)
#define TLSSEC(f)	offsetof(struct config_tls_section, f)
#define KEYD(f)		offsetof(struct config_keyd, f)
#define OAUTH(f)	offsetof(struct config_oauth, f)
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
	{ "", "users", KEY_CHOICES, TOP(users), "file", 0, 0, "file system" },
	{ "", "app-passwords-file", KEY_PATH, TOP(app_passwords_file),
	    SYSCONFDIR "/app-passwords", 0, 0, NULL },
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
	{ "listen", "tls", KEY_TLS, LISTEN(tls), "auto", 0, 0,
	    "auto off starttls implicit" },
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
	{ "smtpd", "user-messages", KEY_UINT, SMTPD(user_messages), "500", 0,
	    1000000, NULL },
	{ "smtpd", "user-recipients", KEY_UINT, SMTPD(user_recipients),
	    "2000", 0, 10000000, NULL },
	{ "smtpd", "trusted-submission", KEY_BOOL, SMTPD(trusted_submission),
	    "no", 0, 0, NULL },
	{ "smtpd", "received-client", KEY_BOOL, SMTPD(received_client), "no",
	    0, 0, NULL },
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
	{ "imapd", "park-after", KEY_TIME, IMAPD(park_after), "1m", 0,
	    DAYS(1), NULL },
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

	{ "authd", "scram-iterations", KEY_UINT, AUTHD(scram_iterations),
	    "10000", 4096, 1000000, NULL },
	{ "authd", "state", KEY_PATH, AUTHD(state),
	    LOCALSTATEDIR "/lib/merpati/authd", 0, 0, NULL },
	{ "authd", "mechanisms", KEY_CHOICES, AUTHD(mechanisms),
	    "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS OAUTHBEARER "
	    "XOAUTH2 EXTERNAL", 0, 0, "PLAIN LOGIN SCRAM-SHA-256 "
	    "SCRAM-SHA-256-PLUS SCRAM-SHA-1 OAUTHBEARER XOAUTH2 EXTERNAL" },

	{ "certificate", "chain", KEY_PATH, CERT(chain), NULL, 0, 0, NULL },
	{ "certificate", "key", KEY_PATH, CERT(key), NULL, 0, 0, NULL },
	{ "certificate", "ocsp", KEY_PATH, CERT(ocsp), NULL, 0, 0, NULL },

	{ "tls", "min-version", KEY_CHOICE, TLSSEC(min_version), "1.2", 0, 0,
	    "1.2 1.3" },
	{ "tls", "tickets", KEY_BOOL, TLSSEC(tickets), "yes", 0, 0, NULL },
	{ "tls", "client-certificates", KEY_BOOL, TLSSEC(client_certificates),
	    "no", 0, 0, NULL },

	{ "keyd", "check", KEY_TIME, KEYD(check), "10s", 1, 86400, NULL },
	{ "keyd", "warn", KEY_TIME, KEYD(warn), "14d", 0, DAYS(3650), NULL },
	{ "keyd", "ticket-life", KEY_TIME, KEYD(ticket_life), "1h", 2, 3600,
	    NULL },

	{ "oauth", "introspection-url", KEY_URL, OAUTH(url), NULL, 0, 0,
	    NULL },
	{ "oauth", "client-id", KEY_STRING, OAUTH(client_id), NULL, 0, 0,
	    NULL },
	{ "oauth", "client-secret-file", KEY_PATH, OAUTH(client_secret_file),
	    NULL, 0, 0, NULL },
	{ "oauth", "user-claim", KEY_STRING, OAUTH(user_claim), "username", 0,
	    0, NULL },
	{ "oauth", "scope", KEY_STRING, OAUTH(scope), NULL, 0, 0, NULL },
	{ "oauth", "ca-file", KEY_PATH, OAUTH(ca_file),
	    "/etc/ssl/certs/ca-certificates.crt", 0, 0, NULL },
	{ "oauth", "timeout", KEY_TIME, OAUTH(timeout), "10s", 1, 15, NULL },
	{ "oauth", "cache", KEY_TIME, OAUTH(cache), "1m", 0, 3600, NULL },

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
