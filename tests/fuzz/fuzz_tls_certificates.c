/*
 * keyd's file of certificates: what is taken must be written and read to the
 * same again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/tls_certificates.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_all(struct buf *b, const struct tls_certificate *all, size_t n)
{
	size_t	 i;

	buf_init(b, TLS_CERTIFICATES_MAX);
	assert(tls_certificates_begin(b) == 0);
	for (i = 0; i < n; i++)
		assert(tls_certificates_write(b, &all[i]) == 0);
	assert(tls_certificates_end(b) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_certificate	*all, *again;
	struct buf		 b, c;
	size_t			 n, m;

	if (tls_certificates_parse((struct slice){ (const char *)data, size },
	    &all, &n) == -1)
		return 0;
	write_all(&b, all, n);
	assert(tls_certificates_parse(buf_slice(&b), &again, &m) == 0);
	assert(m == n);
	write_all(&c, again, m);
	assert(slice_eq(buf_slice(&b), buf_slice(&c)));
	tls_certificates_free(all, n);
	tls_certificates_free(again, m);
	buf_free(&b);
	buf_free(&c);
	return 0;
}
