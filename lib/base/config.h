/*
 * merpati.conf: one readable file for every program, read with libconfuse.
 * Unknown or repeated keys, wrong types, bad values, a missing brace are
 * errors with file:line, the reason and, for a key, the nearest valid one.
 *
 * Units: times 10s 15m 4h 5d (no unit: seconds), sizes 512 10K 50M 2G (1024).
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

/* The default of trust-anchor; may be absent, others may not. */
#define CONFIG_ROOT_KEY	"/usr/share/dns/root.key"

enum config_role {
	ROLE_MX,		/* port 25: strangers */
	ROLE_SUBMISSION,	/* 587, 465: our users */
	ROLE_LMTP,		/* RFC 2033, from a trusted gateway */
	ROLE_SUBMIT,		/* the local submit socket (implicit) */
	ROLE_POP3,
	ROLE_IMAP
};

enum config_tls {
	TLS_AUTO,		/* not said: config_listen_tls() */
	TLS_OFF,
	TLS_STARTTLS,		/* offered; passwords wait for it */
	TLS_IMPLICIT		/* RFC 8314: from the first octet */
};

/* listen "ADDRESS:PORT" { role = "mx" proxy = true tls = "starttls" } */
struct config_listen {
	char			*address;	/* as written: its name */
	enum config_role	 role;
	enum config_tls		 tls;
	bool			 proxy;		/* PROXY protocol v2 first */
};

/* Shared by every section with listeners. */
struct config_listeners {
	struct config_listen	*listen;
	size_t			 nlisten;
	unsigned int		 max_connections;	/* processes */
	unsigned int		 max_per_address;	/* at once */
	unsigned int		 max_per_network;	/* at once, /24 /64 */
	unsigned int		 max_rate;	/* per address and minute, 0:
						 * any; trusted networks are
						 * exempt from the three */
	unsigned int		 idle_timeout;	/* seconds */
	unsigned int		 total_timeout;	/* seconds a connection */
	unsigned int		 drain_timeout;	/* seconds after SIGTERM */
};

struct config_list {
	char	**item;
	size_t	  n;
};

#define CONFIG_TIMES	16

/* A list of times: seconds, at least one. */
struct config_times {
	unsigned int	 item[CONFIG_TIMES];
	size_t		 n;
};

/* route "DOMAIN" { via = "[relay.example.net]:587" ... } */
struct config_route {
	char		*domain;	/* "example.org", ".example.org" (what
					 * is below it) or "*"; lower case */
	char		*via;		/* see config_via.h */
	char		*user;		/* SASL, NULL: none */
	char		*password_file;
	char		*tls;		/* off opportunistic required verified,
					 * NULL: not said */
};

/* certificate "NAME" { chain = "/FILE.pem" key = "/FILE.pem" } */
struct config_certificate {
	char		*name;		/* for people; the first certificate is
					 * for clients that name no host */
	char		*chain;		/* PEM, the host's certificate first */
	char		*key;		/* PEM, without a passphrase */
	char		*ocsp;		/* DER response to staple, or NULL */
};

struct config {
	char			*file;		/* where it was read */

	/* top level */
	char			*hostname;
	struct config_list	 domains;	/* lower case, A-labels or
						 * U-labels as written */
	char			*postmaster;	/* mandatory address */
	struct config_list	 trusted;	/* networks: 127.0.0.0/8 ::1 */
	struct config_list	 relay_domains;
	char			*relay_recipients;	/* file or NULL */
	char			*spool_dir;
	char			*run_dir;
	char			*mail_home;	/* with %d and %n */
	struct config_list	 users;		/* sources: "file" "system" */
	char			*users_file;
	char			*app_passwords_file;
	char			*aliases_file;
	char			*libexec_dir;
	char			*log_dir;	/* s6-log's, or NULL */
	char			*service_dir;	/* s6-svscan's, or NULL */
	char			*log_level;	/* debug info warn */
	char			*tag;		/* "+"; "" is none */
	char			*always_bcc;	/* address or NULL */
	bool			 soft_bounce;	/* 5xx become 4xx */
	uint64_t		 message_size;	/* octets */
	uint64_t		 min_free;	/* octets kept free on spool */
	bool			 mailbox_mbox;	/* mailbox = "mbox" */
	char			*mbox_path;	/* with %d %n, or NULL */
	char			*mail_user;	/* system user of mailboxes */

	struct config_smtpd {
		struct config_listeners	 net;
		unsigned int	 max_recipients;	/* mx: 1000 */
		unsigned int	 max_recipients_submission; /* 10000 */
		unsigned int	 max_errors;		/* 20 */
		unsigned int	 max_hops;		/* 50 Received */
		unsigned int	 max_command;		/* 2048 octets */
		unsigned int	 data_timeout;		/* seconds a block */
		unsigned int	 greet_delay_ms;	/* early talkers */
		/* Of one user in an hour, 0: any. */
		unsigned int	 user_messages;
		unsigned int	 user_recipients;
		bool		 trusted_submission;	/* without AUTH */
		bool		 received_client;	/* name our users'
							 * addresses */
		struct config_list access_client;	/* files */
		struct config_list access_sender;
		struct config_list access_recipient;
	} smtpd;

	struct config_queue {
		struct config_times retry;	/* the curve */
		unsigned int	 warn_after;
		unsigned int	 expire;
		unsigned int	 quota_grace;
		unsigned int	 workers;	/* at most, per uid */
		bool		 warn;		/* false: no delay warnings */
	} queue;

	struct config_route	*route;		/* in the file's order */
	size_t			 nroute;

	struct config_pop3d {
		struct config_listeners	 net;
		unsigned int	 max_per_user;		/* sessions at once */
		unsigned int	 login_timeout;		/* seconds */
		unsigned int	 login_delay;		/* RFC 2449, 0: none */
		int		 expire;	/* days, -1 NEVER */
	} pop3d;

	struct config_imapd {
		struct config_listeners	 net;
		unsigned int	 max_per_user;		/* sessions at once */
		unsigned int	 login_timeout;		/* seconds */
		unsigned int	 park_after;	/* seconds, 0: never */
		uint64_t	 max_command;	/* octets, with literals that
						 * are words */
		/* Mailboxes of a new account, by use (RFC 6154); "": none. */
		char		*drafts, *sent, *junk, *trash, *archive;
	} imapd;

	struct config_authd {
		unsigned int	 hashers;	/* 0: one a processor */
		unsigned int	 cache;		/* seconds, verified */
		char		*scheme;	/* of new hashes: yescrypt */
		unsigned int	 scram_iterations;	/* of new keys */
		char		*state;		/* directory that is authd's */
		/* SASL mechanisms to announce where they can work. */
		struct config_list mechanisms;
	} authd;

	struct config_certificate *certificate;	/* in the file's order */
	size_t			 ncertificate;

	struct config_tls_section {
		char		*min_version;	/* "1.2" or "1.3" */
		bool		 tickets;	/* TLS 1.3 resumption */
		bool		 client_certificates;	/* ask our users for
							 * one: EXTERNAL */
	} tls;

	struct config_keyd {
		unsigned int	 check;		/* seconds between looks */
		unsigned int	 warn;		/* seconds before expiry */
		unsigned int	 ticket_life;	/* seconds, at most an hour */
	} keyd;

	/* RFC 7662 token introspection; url NULL: no OAUTHBEARER, XOAUTH2. */
	struct config_oauth {
		char		*url;
		char		*client_id;
		char		*client_secret_file;
		char		*user_claim;	/* "username" "email" "sub" */
		char		*scope;		/* that a token must have */
		char		*ca_file;
		unsigned int	 timeout;
		unsigned int	 cache;		/* seconds at most */
	} oauth;

	struct config_spawner {
		unsigned int	 min_uid;	/* 100 */
		unsigned int	 idle;		/* seconds a server waits */
		struct config_list mail_roots;	/* homes lie below these */
	} spawner;

	struct config_resolver {
		struct config_list forward;	/* ADDRESS or ADDRESS:PORT */
		struct config_stub {
			char	*zone;
			struct config_list server;	/* as forward */
			bool	 insecure;
		}		*stub;
		size_t		 nstub;
		struct config_list trust_anchor;	/* files; "": none */
		char		*dnssec;	/* auto yes no */
		uint64_t	 cache_size;	/* octets, about */
		unsigned int	 timeout;	/* seconds a question */
		char		*resolv_conf;	/* "": full recursion */
	} resolver;

	struct config_remote {
		char		*helo;		/* hostname when not set */
		char		*source_ipv4;	/* or NULL */
		char		*source_ipv6;
		bool		 ipv4, ipv6;	/* may be used at all */
		char		*tls;		/* remote_tls_named() */
		char		*ca_file;
		unsigned int	 port;
		unsigned int	 connect_timeout;	/* seconds, all of
							 * these */
		unsigned int	 greeting_timeout;
		unsigned int	 command_timeout;
		unsigned int	 data_timeout;	/* after the final dot */
		unsigned int	 idle;		/* a kept connection */
		unsigned int	 max_connections;
		unsigned int	 max_per_destination;
	} remote;
};

/*
 * The file to read: arg (from -c) or NULL, then MERPATI_CONF, then
 * SYSCONFDIR/merpati.conf.  Borrowed.
 */
const char	*config_path(const char *arg);
/*
 * Read and check the whole file; defaults for what it leaves out (in
 * merpati.conf(5)).  0 with *out filled, or -1 and err holding lines
 * "FILE:LINE: reason", at least one.
 */
int		 config_load(const char *path, struct config *out,
		    struct buf *err);
/*
 * What main() calls: load, or print the errors to stderr and exit
 * EX_CONFIG; also sets the log level.  The result lives for ever.
 */
const struct config	*config_need(const char *arg);
void		 config_free(struct config *);

/* Domain (ASCII case ignored) among domains, hostname, relay-domains? */
bool		 config_is_local(const struct config *, const char *domain);
bool		 config_is_relay(const struct config *, const char *domain);

/* What tls is there: TLS_AUTO is STARTTLS where there are certificates. */
enum config_tls	 config_listen_tls(const struct config *,
		    const struct config_listen *);
/* Is a name in one of the lists of names here?  ASCII case ignored. */
bool		 config_list_has(const struct config_list *, const char *name);

/*
 * mail_home or mbox_path with %d the domain, %n the local part, %% a percent
 * sign.  Refuses (-1, EINVAL) a part that is empty, starts with a dot or
 * holds '/' or control octets.
 */
int		 config_expand(const char *pattern, const char *local,
		    const char *domain, struct buf *out);

#endif
