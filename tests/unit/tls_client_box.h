/* A client of TLS's beside servers in child processes. */
#ifndef TESTS_TLS_CLIENT_BOX_H
#define TESTS_TLS_CLIENT_BOX_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/net/tls_client.h"
#include "tests/unit/tls_peer.h"

#define HOST	"mx.example.test"

static struct cert		 ca, self;
static char			 ca_file[] = "/tmp/merpati-ca.XXXXXX";
static struct tls_client_ctx	*ctx;
static struct stream		 s;
static pid_t			 server;
static bool			 blocks;	/* with stream_block() */
static struct tls_client_info	 info;

static inline int
box_setup(void **state)
{
	char	 error[TLS_TEXT];
	FILE	*fp;
	int	 fd;

	(void)state;
	ca = cert_make(NULL, "Test CA", NULL, -DAY, DAY);
	self = cert_make(NULL, "x", "DNS:" HOST, -DAY, DAY);
	if ((fd = mkstemp(ca_file)) == -1 || (fp = fdopen(fd, "w")) == NULL)
		return -1;
	PEM_write_X509(fp, ca.x509);
	fclose(fp);
	ctx = tls_client_ctx_new(ca_file, error);
	return ctx == NULL ? -1 : tls_client_ctx_warm(ctx, true, error);
}

static inline int
box_teardown(void **state)
{
	(void)state;
	tls_client_ctx_free(ctx);
	cert_free(&ca);
	cert_free(&self);
	unlink(ca_file);
	return 0;
}

static inline void
begin(enum behaviour how, const struct cert *leaf, const struct cert *chain)
{
	int	 fd;

	server = server_start(how, leaf, chain, &fd);
	/* Of silences; a busy machine takes its time for a handshake. */
	stream_init(&s, fd, fd, 2000, 10000);
}

static inline enum tls_client_status
shake(const struct tls_client_peer *p)
{
	return tls_client_start(ctx, &s, p, &info);
}

static inline void
end(void)
{
	tls_stop(&s, 100);
	assert_false(tls_on(&s));
	close(s.rfd);
	stream_free(&s);
	server_stop(server);
}

static inline void
connect_to(enum behaviour how)
{
	struct tls_client_peer	 p = { .check = TLS_CLIENT_ANY, .host = HOST,
	    .handshake_ms = 2000 };

	begin(how, &self, NULL);
	assert_int_equal(shake(&p), TLS_CLIENT_OK);
	if (blocks) {
		stream_block(&s);
		assert_true(s.blocks);
	}
}

#endif
