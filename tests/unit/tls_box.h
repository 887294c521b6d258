/*
 * For tests of the server's end of TLS: OpenSSL's client in a thread, and keyd
 * in a few lines.
 */
#ifndef TESTS_UNIT_TLS_BOX_H
#define TESTS_UNIT_TLS_BOX_H

#include "lib/net/tls_server_parts.h"
#include "tests/unit/certs.h"

#define PATIENCE	20000	/* ms: a busy machine */

/* The server's, in its order. */
enum { A_EC, A_RSA, B_EC, OLD_EC, NCERT };

extern struct cert		 ca, certs[NCERT], ed, mine;
extern const char		 ocsp_text[6];	/* of the first */

/* What keyd does, and what it was asked. */
extern bool			 sign_fails, sign_refuses, ticket_fails;
extern bool			 ticket_forgotten;
extern unsigned int		 signs, tickets, dones;
extern enum key_scheme		 last_scheme;
extern struct key_ticket	 ticket_key;

/* What the server saw of the latest connection. */
extern struct tls_server_info	 info;
extern unsigned char		 exporter[TLS_BINDING], unique[TLS_BINDING];
extern unsigned char		 end_point[TLS_BINDING];
extern size_t			 exporter_len, unique_len, end_point_len;

/* Tickets, and nothing special. */
extern struct tls_server_options plain;

/* What a client wants, and what it saw. */
struct client {
	int			 min, max;
	const char		*sni, *sigalgs, *ciphers, *groups, *alpn;
	const struct cert	*cert;
	bool			 ocsp, distrusts, renegotiates;
	/* Instead of TLS; then, with hold, wait. */
	const char		*raw;
	size_t			 raw_len;
	bool			 hold, half;
	SSL_SESSION		*session;	/* in, and the newest out */

	int			 fd;
	bool			 ok, reused, ticket;
	X509			*peer;
	char			 said[100], chosen[20];
	int			 ocsp_len, chain;
	unsigned char		 exporter[32], unique[TLS_BINDING];
	size_t			 unique_len;
};

/* For a group of tests, and before each. */
int			 make_all(void **state);
int			 free_all(void **state);
int			 calm(void **state);

int			 fake_sign(void *arg, const struct key_sign *,
			    struct key_signature *);

/* A server of these certificates, or of all; NULL as tls_server_build(). */
struct tls_server	*build(const struct tls_server_options *,
			    const struct cert *const *list, size_t n);
struct tls_server	*build_all(const struct tls_server_options *);

/* A connection, at its server's end. */
void			 open_stream(struct client *, struct stream *);
/* A handshake in ms, then a line and its answer; the stream is freed. */
enum tls_server_status	 meet_stream(struct tls_server *, struct client *,
			    int ms, struct stream *);
/* Both. */
enum tls_server_status	 meet(struct tls_server *, struct client *);
/* Free what the client keeps. */
void			 forget(struct client *);

#endif
