/* Contract in publish.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/publish.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"

void
publish_init(struct publish *p, const char *run_dir)
{
	xasprintf(&p->path, "%s/keyd/certificates", run_dir);
	buf_init(&p->last, TLS_CERTIFICATES_MAX);
	if (io_read_file(AT_FDCWD, p->path, &p->last) == -1)
		buf_clear(&p->last);
}

void
publish_free(struct publish *p)
{
	free(p->path);
	buf_free(&p->last);
}

static int
put_all(struct buf *b, const struct keys *k)
{
	size_t	 i;

	if (tls_certificates_begin(b) == -1)
		return -1;
	for (i = 0; i < k->n; i++)
		if (k->pair[i].key != NULL &&
		    tls_certificates_write(b, &k->pair[i].cert) == -1)
			return -1;
	return tls_certificates_end(b);
}

void
publish_keys(struct publish *p, const struct keys *k)
{
	struct buf	 b;

	buf_init(&b, TLS_CERTIFICATES_MAX);
	if (put_all(&b, k) == -1 ||
	    (!slice_eq(buf_slice(&b), buf_slice(&p->last)) &&
	    io_replace_file(p->path, b.ptr, b.len, 0644) == -1)) {
		log_warn("event=not-published file=%s", log_esc(p->path));
		buf_free(&b);
		return;
	}
	if (!slice_eq(buf_slice(&b), buf_slice(&p->last)))
		log_info("event=published file=%s certificates=%zu",
		    log_esc(p->path), keys_good(k));
	buf_free(&p->last);
	p->last = b;
}
