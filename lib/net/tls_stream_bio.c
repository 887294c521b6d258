/*
 * OpenSSL's end of the socket.  Its own socket BIO would raise SIGPIPE and
 * would need O_NONBLOCK, which belongs to the open file, not to us.
 */
#include <errno.h>
#include <sys/socket.h>

#include <openssl/bio.h>

#include "lib/net/tls_stream_parts.h"

static bool
bio_again(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

static int
bio_write(BIO *b, const char *data, int len)
{
	struct tls	*t = BIO_get_data(b);
	ssize_t		 n;

	BIO_clear_retry_flags(b);
	n = send(t->fd, data, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT |
	    (t->more ? MSG_MORE : 0));
	if (n == -1 && bio_again(errno))
		BIO_set_retry_write(b);
	else if (n == -1)
		t->error = errno;
	return (int)n;
}

static int
bio_read(BIO *b, char *data, int len)
{
	struct tls	*t = BIO_get_data(b);
	ssize_t		 n;

	BIO_clear_retry_flags(b);
	n = recv(t->fd, data, (size_t)len, t->may_wait ? 0 : MSG_DONTWAIT);
	t->may_wait = false;
	if (n == 0)
		t->eof = true;
	else if (n == -1 && bio_again(errno))
		BIO_set_retry_read(b);
	else if (n == -1)
		t->error = errno;
	return (int)n;
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	struct tls	*t = BIO_get_data(b);

	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return t->eof;
	default:
		return 0;
	}
}

static BIO_METHOD *
bio_method(void)
{
	BIO_METHOD	*m;

	m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "merpati socket");
	if (m != NULL && (BIO_meth_set_write(m, bio_write) != 1 ||
	    BIO_meth_set_read(m, bio_read) != 1 ||
	    BIO_meth_set_ctrl(m, bio_ctrl) != 1)) {
		BIO_meth_free(m);
		return NULL;
	}
	return m;
}

BIO *
tls_bio_new(struct tls *t)
{
	static BIO_METHOD	*m;	/* for the life of the process */
	BIO			*b;

	if (m == NULL && (m = bio_method()) == NULL)
		return NULL;
	if ((b = BIO_new(m)) == NULL)
		return NULL;
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	return b;
}
