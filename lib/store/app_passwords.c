/* Contract in app_passwords.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/base/base64.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "lib/store/app_passwords.h"

#define SCHEME		"{SSHA256}"
#define SCHEME_LEN	(sizeof(SCHEME) - 1)
#define DIGEST		32
#define SALT		16
#define FIELDS		5
#define ERRORS_MAX	20

struct app_passwords {
	char			*text;
	size_t			 len;
	struct app_password	*one;		/* by user, then name */
	size_t			 n, room;
};

struct load {
	const char	*file;
	struct buf	*err;
	uint32_t	 line, errors;
};

static void
complain(struct load *l, const char *reason)
{
	if (l->errors++ < ERRORS_MAX)
		(void)buf_addf(l->err, "%s:%u: %s\n", l->file, l->line,
		    reason);
}

/* Digest and salt out of "{SSHA256}BASE64". */
static bool
hash_parts(const char *hash, unsigned char out[DIGEST + SALT])
{
	struct buf	 b;
	bool		 ok;

	buf_init(&b, DIGEST + SALT);
	ok = strncmp(hash, SCHEME, SCHEME_LEN) == 0 &&
	    base64_decode(slice_str(hash + SCHEME_LEN), &b) == 0 &&
	    b.len == DIGEST + SALT;
	if (ok)
		memcpy(out, b.ptr, b.len);
	buf_free(&b);
	return ok;
}

static bool
digest(const char *password, const unsigned char salt[SALT],
    unsigned char out[DIGEST])
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	bool		 ok;

	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(ctx, password, strlen(password)) == 1 &&
	    EVP_DigestUpdate(ctx, salt, SALT) == 1 &&
	    EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

void
app_password_hash(const char *password, char out[APP_PASSWORD_HASH])
{
	unsigned char	 raw[DIGEST + SALT];

	arc4random_buf(raw + DIGEST, SALT);
	/* No digest, no entry: what is written then fits nothing. */
	if (!digest(password, raw + DIGEST, raw))
		arc4random_buf(raw, DIGEST);
	memcpy(out, SCHEME, SCHEME_LEN);
	base64_print(raw, sizeof(raw), out + SCHEME_LEN);
}

bool
app_password_fits(const char *hash, const char *password)
{
	unsigned char	 want[DIGEST + SALT], got[DIGEST];

	return hash_parts(hash, want) &&
	    digest(password, want + DIGEST, got) &&
	    CRYPTO_memcmp(want, got, DIGEST) == 0;
}

bool
app_password_services(const char *words, unsigned int *out)
{
	static const struct {
		const char	*name;
		unsigned int	 bit;
	}		 services[] = {
		{ "smtp", APP_SMTP },
		{ "pop3", APP_POP3 },
		{ "imap", APP_IMAP },
	};
	struct slice	 w;
	size_t		 i;

	for (*out = 0; ; words += w.len + 1) {
		w = (struct slice){ words, strcspn(words, ",") };
		for (i = 0; i < 3; i++)
			if (slice_eq(w, slice_str(services[i].name)))
				break;
		if (i == 3)
			return false;
		*out |= services[i].bit;
		if (words[w.len] == '\0')
			return true;
	}
}

bool
app_password_serves(const struct app_password *a, const char *service)
{
	unsigned int	 bit;

	return a->services == 0 || (app_password_services(service, &bit) &&
	    (a->services & bit) == bit);
}

bool
app_password_name_ok(const char *name)
{
	struct slice	 s = slice_str(name);
	size_t		 i;

	for (i = 0; i < s.len; i++)
		if (text_is_control(name[i]) || name[i] == ':')
			return false;
	return s.len > 0 && s.len <= APP_PASSWORD_NAME && text_is_utf8(s) &&
	    text_trim(s).len == s.len;
}

static int
compare(const void *a, const void *b)
{
	const struct app_password	*x = a, *y = b;
	int				 c = strcmp(x->user, y->user);

	return c != 0 ? c : strcmp(x->name, y->name);
}

static void
read_line(struct app_passwords *all, struct load *l, char *line)
{
	unsigned char		 parts[DIGEST + SALT];
	char			*field[FIELDS], *p = line;
	struct app_password	 a;
	size_t			 i;

	for (i = 0; i < FIELDS; i++) {
		field[i] = p;
		p += strcspn(p, ":");
		if (*p == ':')
			*p++ = '\0';
	}
	text_lower_str(field[0]);
	a = (struct app_password){ field[0], field[1], field[2], field[3],
	    0, l->line };
	if (*p != '\0')
		complain(l, "too many fields");
	else if (strchr(a.user, '@') == NULL || strlen(a.user) > ADDRESS_MAX)
		complain(l, "bad user name");
	else if (!app_password_name_ok(a.name))
		complain(l, "bad name");
	else if (!hash_parts(a.hash, parts))
		complain(l, "bad hash ({SSHA256})");
	else if (field[4][0] != '\0' &&
	    !app_password_services(field[4], &a.services))
		complain(l, "bad services (smtp pop3 imap)");
	else {
		if (all->n == all->room) {
			all->room = all->room == 0 ? 16 : 2 * all->room;
			all->one = xreallocarray(all->one, all->room,
			    sizeof(*all->one));
		}
		all->one[all->n++] = a;
	}
}

static void
read_lines(struct app_passwords *all, struct load *l)
{
	char	*p = all->text, *end = p + all->len, *nl;

	for (l->line = 1; p < end; l->line++, p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		*nl = '\0';
		if (strlen(p) != (size_t)(nl - p))
			complain(l, "NUL octet");
		else if (*p != '\0' && *p != '#')
			read_line(all, l, p);
	}
}

/* Sorted: what is there twice, or too often, stands side by side. */
static void
check_all(struct app_passwords *all, struct load *l)
{
	size_t	 i, n = 0, same = 0;

	if (all->n == 0)
		return;
	qsort(all->one, all->n, sizeof(*all->one), compare);
	for (i = 0; i < all->n; i++) {
		l->line = all->one[i].line;
		if (n == 0 || strcmp(all->one[n - 1].user,
		    all->one[i].user) != 0)
			same = 0;
		if (same > 0 && compare(&all->one[n - 1], &all->one[i]) == 0)
			complain(l, "two of one name");
		else if (same == APP_PASSWORDS_USER)
			complain(l, "too many of one user");
		else {
			all->one[n++] = all->one[i];
			same++;
		}
	}
	all->n = n;
}

struct app_passwords *
app_passwords_parse(const char *file, const char *data, size_t len,
    struct buf *err)
{
	struct app_passwords	*all = xcalloc(1, sizeof(*all));
	struct load		 l = { .file = file, .err = err };

	all->text = xmalloc(len + 1);
	if (len > 0)
		memcpy(all->text, data, len);
	all->text[len] = '\0';
	all->len = len;
	read_lines(all, &l);
	check_all(all, &l);
	return all;
}

void
app_passwords_free(struct app_passwords *all)
{
	if (all == NULL)
		return;
	explicit_bzero(all->text, all->len);
	free(all->text);
	free(all->one);
	free(all);
}

size_t
app_passwords_count(const struct app_passwords *all)
{
	return all->n;
}

const struct app_password *
app_passwords_all(const struct app_passwords *all, size_t *n)
{
	*n = all->n;
	return all->one;
}

const struct app_password *
app_passwords_of(const struct app_passwords *all, const char *user,
    size_t *n)
{
	size_t	 low = 0, high = all->n, mid, i;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(all->one[mid].user, user) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (i = low; i < all->n && strcmp(all->one[i].user, user) == 0; )
		i++;
	*n = i - low;
	return *n == 0 ? NULL : &all->one[low];
}
