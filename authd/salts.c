/* Contract in salts.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bsd/stdlib.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "authd/salts.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

#define KEY	32

struct salts {
	unsigned char	 key[KEY];
};

static bool
salts_parse(const char *hex, size_t len, unsigned char key[KEY])
{
	size_t	 i;
	int	 hi, lo;

	if (len != 2 * KEY + 1 || hex[2 * KEY] != '\n')
		return false;
	for (i = 0; i < KEY; i++) {
		hi = text_hex(hex[2 * i]);
		lo = text_hex(hex[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return false;
		key[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

static int
salts_write(const char *path, const unsigned char key[KEY])
{
	char	 hex[2 * KEY + 2];
	size_t	 i;
	int	 r;

	for (i = 0; i < KEY; i++)
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
	hex[2 * KEY] = '\n';
	r = io_replace_file(path, hex, 2 * KEY + 1, 0600);
	explicit_bzero(hex, sizeof(hex));
	return r;
}

/* 0, or -1 with errno. */
static int
salts_load(const char *path, unsigned char key[KEY])
{
	struct buf	 b;
	int		 r;

	buf_init(&b, 4 * KEY);
	r = io_read_file(AT_FDCWD, path, &b);
	if (r == 0 && !salts_parse(buf_cstr(&b), b.len, key)) {
		errno = EBADMSG;
		r = -1;
	}
	if (b.ptr != NULL)
		explicit_bzero(b.ptr, b.len);
	buf_free(&b);
	return r;
}

struct salts *
salts_new(const char *state)
{
	struct salts	*s = xcalloc(1, sizeof(*s));
	char		*path;

	arc4random_buf(s->key, sizeof(s->key));
	xasprintf(&path, "%s/salt-key", state);
	if (mkdir(state, 0700) == -1 && errno != EEXIST)
		log_warn("event=state-failed path=%s", log_esc(state));
	else if (salts_load(path, s->key) == -1 &&
	    (errno != ENOENT || salts_write(path, s->key) == -1))
		log_warn("event=state-failed path=%s", log_esc(path));
	free(path);
	return s;
}

void
salts_free(struct salts *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, sizeof(*s));
	free(s);
}

void
salts_make(const struct salts *s, const char *hash, const char *user,
    unsigned char *salt, size_t len)
{
	unsigned char	 out[KEY];
	char		*text;

	xasprintf(&text, "%s %s", hash, user);
	text_lower_str(text);
	if (HMAC(EVP_sha256(), s->key, KEY, (unsigned char *)text,
	    strlen(text), out, NULL) == NULL)
		fatalx("event=no-hmac");
	memcpy(salt, out, len < sizeof(out) ? len : sizeof(out));
	free(text);
}
