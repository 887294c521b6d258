/*
 * In a child process, the server's end of a TLS connection: an honest one or
 * one that misbehaves.
 */
#ifndef TESTS_UNIT_TLS_PEER_H
#define TESTS_UNIT_TLS_PEER_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tests/unit/certs.h"

enum behaviour {
	ECHO,		/* what comes goes back */
	CUT,		/* closes when the first octets have come */
	GARBAGE,	/* SMTP instead of TLS */
	ZEROES,
	SILENT,
	DRIP,		/* an octet each 10 ms */
	OLD,		/* TLS 1.1 at most */
	TLS12, TLS12_NO_EMS,
	RENEGOTIATE,
	WANTS_CERT,	/* of the client; TLS 1.2 */
	BIG,		/* 4 MiB and the end */
	ABRUPT,		/* a line, and no close_notify */
	TICKETS,	/* nothing but them, without end */
	ONE_TICKET,	/* then nothing for 200 ms, then a line */
	DEAF,		/* never reads */
	SLOW_RECORD,	/* an octet of it each 10 ms */
	KEY_UPDATES,
	BINDINGS	/* its view of the channel, each with its length */
};

static inline SSL_CTX *
server_ctx(enum behaviour how, const struct cert *leaf, const struct cert *ca)
{
	SSL_CTX	*ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_use_certificate(ctx, leaf->x509);
	SSL_CTX_use_PrivateKey(ctx, leaf->key);
	if (ca != NULL)
		SSL_CTX_add1_chain_cert(ctx, ca->x509);
	SSL_CTX_set_num_tickets(ctx, 2);
	if (how == OLD) {
		SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
		SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	}
	if (how == TLS12 || how == RENEGOTIATE || how == WANTS_CERT ||
	    how == TLS12_NO_EMS)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	if (how == TLS12_NO_EMS)
		SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	if (how == WANTS_CERT)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}

static inline void
server_bindings(SSL *ssl)
{
	static const char	 label[] = "EXPORTER-Channel-Binding";
	unsigned char		 out[3 * 64];
	unsigned int		 len;

	memset(out, 0, sizeof(out));
	SSL_export_keying_material(ssl, out, 32, label, sizeof(label) - 1,
	    NULL, 0, 0);
	SSL_get_peer_finished(ssl, out + 64, 64);
	X509_digest(SSL_get_certificate(ssl), EVP_sha256(), out + 128, &len);
	SSL_write(ssl, out, sizeof(out));
	SSL_read(ssl, out, 1);
}

static inline void
server_echo(SSL *ssl)
{
	char	 data[4096];
	int	 n;

	while ((n = SSL_read(ssl, data, sizeof(data))) > 0)
		SSL_write(ssl, data, n);
	SSL_shutdown(ssl);
}

static inline void
server_talk(SSL *ssl, enum behaviour how)
{
	static char	 big[16384];
	int		 i;

	switch (how) {
	case RENEGOTIATE:
		SSL_renegotiate(ssl);
		SSL_do_handshake(ssl);
		server_echo(ssl);
		break;
	case BIG:
		memset(big, 'x', sizeof(big));
		for (i = 0; i < 256; i++)
			SSL_write(ssl, big, sizeof(big));
		SSL_shutdown(ssl);
		break;
	case ABRUPT:
		SSL_write(ssl, "221 bye\r\n", 9);
		break;
	case TICKETS:
		do
			SSL_new_session_ticket(ssl);
		while (SSL_do_handshake(ssl) == 1);
		break;
	case ONE_TICKET:
		usleep(1000 * 1000);
		SSL_write(ssl, "421 idle\r\n", 10);
		SSL_read(ssl, big, 1);
		break;
	case KEY_UPDATES:
		for (i = 0; i < 3; i++) {
			SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
			SSL_write(ssl, "250 x\r\n", 7);
		}
		server_echo(ssl);
		break;
	case DEAF:
		pause();
		break;
	case SLOW_RECORD:
		(void)!write(SSL_get_fd(ssl), "\x17\x03\x03\x40\x00", 5);
		while (write(SSL_get_fd(ssl), "x", 1) == 1)
			usleep(10 * 1000);
		break;
	case BINDINGS:
	case TLS12_NO_EMS:
		server_bindings(ssl);
		break;
	default:
		server_echo(ssl);
		break;
	}
}

static inline void
server_raw(int fd, enum behaviour how)
{
	static char	 zeroes[8192];
	char		 data[4096];

	if (read(fd, data, sizeof(data)) <= 0)
		return;
	switch (how) {
	case GARBAGE:
		(void)!write(fd, "500 what?\r\n", 11);
		(void)!read(fd, data, sizeof(data));
		break;
	case ZEROES:
		(void)!write(fd, zeroes, sizeof(zeroes));
		(void)!read(fd, data, sizeof(data));
		break;
	case DRIP:
		(void)!write(fd, "\x16\x03\x03\x40\x00\x02\x00\x3f\xf0", 9);
		while (write(fd, "x", 1) == 1)
			usleep(10 * 1000);
		break;
	case SILENT:
		pause();
		break;
	default:
		break;
	}
}

/* The pid; *fd is the client's end. */
static inline pid_t
server_start(enum behaviour how, const struct cert *leaf,
    const struct cert *ca, int *fd)
{
	SSL_CTX	*ctx;
	SSL	*ssl;
	pid_t	 pid;
	int	 fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid != 0) {
		close(fds[1]);
		*fd = fds[0];
		return pid;
	}
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	if (how == CUT || how == GARBAGE || how == ZEROES || how == SILENT ||
	    how == DRIP) {
		server_raw(fds[1], how);
		_exit(0);
	}
	ctx = server_ctx(how, leaf, ca);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fds[1]);
	if (SSL_accept(ssl) == 1)
		server_talk(ssl, how);
	else if (how == WANTS_CERT || how == OLD)
		(void)!read(fds[1], &how, 1);	/* the alert is read first */
	_exit(0);
}

static inline void
server_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
