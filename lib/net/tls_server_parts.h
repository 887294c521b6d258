/* What the files of tls_server share, and tests/unit/test_tls_server.c. */
#ifndef NET_TLS_SERVER_PARTS_H
#define NET_TLS_SERVER_PARTS_H

#include <sys/stat.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "lib/net/proto_key.h"
#include "lib/net/tls_certificates.h"
#include "lib/net/tls_remote_key.h"
#include "lib/net/tls_server.h"
#include "lib/net/tls_stream_parts.h"

/* Who has the keys: keyd, or a test. */
struct tls_server_keys {
	tls_remote_sign_fn	*sign;
	/* name NULL: for new tickets.  0, or -1 with errno. */
	int			(*ticket)(void *arg, const unsigned char *name,
				    struct key_ticket *);
	void			(*done)(void *arg);	/* after a handshake */
	void			*arg;
	/* As sign, where a ticket will be asked for next; NULL: no hurry. */
	tls_remote_sign_fn	*sign_ahead;
};

struct tls_server_options {
	bool		 v13_only;
	bool		 tickets;
	bool		 keep_ticket_key;	/* another handshake follows */
	unsigned int	 ticket_life;		/* seconds */
	bool		 client_certificates;
	const char	*alpn;			/* NULL: none */
	const char	*context;		/* of tickets: whose they are */
};

enum tls_key_type { TLS_KEY_RSA, TLS_KEY_EC, TLS_KEY_TYPES };

/* Of a certificate in tickets: the front of its SHA-256. */
#define TLS_MARK	16
/* No host of that type. */
#define TLS_NO_HOST	((size_t)-1)

/* A certificate with its remote key. */
struct tls_host {
	const struct tls_certificate	*cert;
	EVP_PKEY			*key;
	enum tls_key_type		 type;
	unsigned char			 mark[TLS_MARK];
};

/* What some names have in common: a certificate of each type, or of one. */
struct tls_host_set {
	size_t		 host[TLS_KEY_TYPES];
	SSL_CTX		*ctx;
};

/* "example.org", or ".example.org" of "*.example.org"; lower case. */
struct tls_host_name {
	char		*name;
	size_t		 set;
};

struct tls_server {
	struct tls_server_options	 opt;
	struct tls_server_keys		 keys;
	struct key_client		 keyd;	/* of keys that are keyd's */
	char				*file;
	struct stat			 stat;	/* before it was read */
	struct tls_certificate		*cert;
	size_t				 ncert;
	struct tls_host			*host;
	size_t				 nhost;
	struct tls_host_set		*set;	/* [0]: for no known name */
	size_t				 nset;
	struct tls_host_name		*name;	/* sorted */
	size_t				 nname;
	EVP_CIPHER			*cipher;	/* of tickets */
	struct key_ticket		 ticket;	/* known: cached */
	int64_t				 ticket_fresh;	/* until, monotonic */
	int64_t				 ticket_good;
	struct tls_server		*now;	/* of a newer file */
	/* Of the handshake that is under way. */
	bool				 ahead;	/* a new ticket key is needed */
	/* What failed here, or "". */
	char				 local[TLS_TEXT];
};

/*
 * A server of these certificates, which it takes over, also when it fails.
 * Those whose key is of another type are left out.  NULL with error.
 */
struct tls_server	*tls_server_build(struct tls_certificate *, size_t n,
			    const struct tls_server_options *,
			    const struct tls_server_keys *,
			    char error[TLS_TEXT]);
void		 tls_server_free(struct tls_server *);
/*
 * The server of keyd's file as it is now; the one that there is when it cannot
 * be read.  What an earlier call gave is gone, and no handshake may need it.
 */
struct tls_server	*tls_server_current(struct tls_server *);

/* In tls_server_names.c: fill set (without ctx) and name. */
void		 tls_server_sort_names(struct tls_server *);
/* The set for what a client asks for. */
size_t		 tls_server_pick(const struct tls_server *, const char *name);

/* In tls_server_ctx.c.  0, or -1 with OpenSSL's reason queued. */
int		 tls_server_make_set(struct tls_server *,
		    struct tls_host_set *);
/* All but certificates. */
SSL_CTX		*tls_server_make_ctx(struct tls_server *);
/* The host with that certificate, NULL: it is not ours. */
const struct tls_host	*tls_server_host(const struct tls_server *,
			    const X509 *);

/* In tls_server_ticket.c. */
int		 tls_server_use_tickets(struct tls_server *, SSL_CTX *);
/* Is there a key for a new ticket without asking? */
bool		 tls_server_has_ticket(const struct tls_server *);
/* Wipe the cached key, unless it is to be kept and still is fresh. */
void		 tls_server_forget_ticket(struct tls_server *);

/* In tls_server_warm.c: shake hands with oneself. */
void		 tls_server_warm(struct tls_server *);

#endif
