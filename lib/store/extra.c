/* Contract in extra.h. */
#include <string.h>

#include "lib/store/extra.h"
#include "lib/base/slice.h"
#include "lib/base/text.h"

/* "10", "10K", "1G", "1GB"; a number without unit counts units of plain. */
static bool
extra_size(struct slice s, uint64_t plain, uint64_t *out)
{
	static const char	 units[] = "bkmgt";
	const char		*u;
	uint64_t		 n, unit = plain;

	if (s.len > 1 && text_lower(s.ptr[s.len - 1]) == 'b' &&
	    !text_is_digit(s.ptr[s.len - 2]))
		s.len--;
	if (s.len > 1 && (u = strchr(units, text_lower(s.ptr[s.len - 1]))) !=
	    NULL && *u != '\0') {
		unit = (uint64_t)1 << 10 * (u - units);
		s.len--;
	}
	if (text_u64(s, UINT64_MAX / unit, &n) == -1)
		return false;
	*out = n * unit;
	return true;
}

static bool
extra_key(struct slice word, const char *key, struct slice *value)
{
	size_t	 len = strlen(key);

	if (word.len <= len || memcmp(word.ptr, key, len) != 0 ||
	    word.ptr[len] != '=')
		return false;
	*value = (struct slice){ word.ptr + len + 1, word.len - len - 1 };
	return true;
}

/*
 * "*:storage=1G:messages=1000".  Rules of single folders are skipped: here a
 * quota is the whole mailbox's.
 */
static bool
extra_rule(struct slice v, struct user *u)
{
	struct slice	 part, value;
	const char	*colon;

	if (v.len < 2 || memcmp(v.ptr, "*:", 2) != 0)
		return true;
	v.ptr += 2;
	v.len -= 2;
	while (v.len > 0) {
		colon = memchr(v.ptr, ':', v.len);
		part = v;
		if (colon != NULL)
			part.len = (size_t)(colon - v.ptr);
		v.ptr += part.len + (colon != NULL);
		v.len -= part.len + (colon != NULL);
		if (extra_key(part, "storage", &value)) {
			if (!extra_size(value, 1024, &u->quota_octets))
				return false;
		} else if (extra_key(part, "bytes", &value)) {
			if (!extra_size(value, 1, &u->quota_octets))
				return false;
		} else if (extra_key(part, "messages", &value)) {
			if (!extra_size(value, 1, &u->quota_count))
				return false;
		} else if (!slice_eq(part, SLICE_LIT("ignore")))
			return false;
	}
	return true;
}

/* SHA-256 in hex. */
static bool
extra_certificate(struct slice v, struct user *u)
{
	size_t	 i;

	for (i = 0; i < v.len; i++)
		if (text_hex(v.ptr[i]) == -1)
			return false;
	u->certified = true;
	return v.len == 64;
}

/* "a@example.org,*@example.net": no address is cut short by a slip. */
static bool
extra_senders(struct slice v)
{
	const char	*at;
	struct slice	 one;

	for (;;) {
		one = v;
		one.len = 0;
		while (one.len < v.len && v.ptr[one.len] != ',')
			one.len++;
		at = one.len == 0 ? NULL : memrchr(one.ptr, '@', one.len);
		if (at == NULL || at == one.ptr ||
		    at + 1 == one.ptr + one.len)
			return false;
		if (one.len == v.len)
			return true;
		v.ptr += one.len + 1;
		v.len -= one.len + 1;
	}
}

static bool
extra_keys(struct slice v, enum scram_hash hash, struct user *u)
{
	struct scram_keys	 keys;

	u->keyed = true;
	return scram_keys_parse(v, hash, &keys) == 0;
}

/* How somebody may prove who he is, and as whom he may send. */
static bool
extra_proof(struct slice w, struct user *u, const char **reason)
{
	struct slice	 value;

	*reason = NULL;
	if (extra_key(w, "scram-sha-256", &value)) {
		if (!extra_keys(value, SCRAM_SHA_256, u))
			*reason = "bad scram-sha-256";
	} else if (extra_key(w, "scram-sha-1", &value)) {
		if (!extra_keys(value, SCRAM_SHA_1, u))
			*reason = "bad scram-sha-1";
	} else if (extra_key(w, "certificate", &value)) {
		if (!extra_certificate(value, u))
			*reason = "bad certificate (SHA-256 in hex)";
	} else if (extra_key(w, "senders", &value)) {
		if (!extra_senders(value))
			*reason = "bad senders (a@b,*@c)";
	} else
		return false;
	return true;
}

static struct slice
extra_plain_name(struct slice w)
{
	if (w.len > 7 && memcmp(w.ptr, "userdb_", 7) == 0) {
		w.ptr += 7;
		w.len -= 7;
	}
	return w;
}

static const char *
extra_word(struct slice w, struct user *u)
{
	static const char	*const narrow[] = { "allow_nets",
	    "allow_real_nets", "proxy", "proxy_maybe", "pass", "nopassword" };
	struct slice		 value;
	const char		*reason;
	size_t			 i;

	w = extra_plain_name(w);
	if (extra_proof(w, u, &reason))
		return reason;
	if (extra_key(w, "quota_rule", &value))
		return extra_rule(value, u) ? NULL : "bad quota_rule";
	if (extra_key(w, "quota", &value))
		return extra_size(value, 1, &u->quota_octets) ? NULL :
		    "bad quota";
	if (extra_key(w, "quota-count", &value))
		return text_u64(value, UINT64_MAX, &u->quota_count) == 0 ?
		    NULL : "bad quota-count";
	if (slice_eq(w, SLICE_LIT("nologin")) ||
	    extra_key(w, "nologin", &value)) {
		u->nologin = true;
		return NULL;
	}
	for (i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
		if (slice_eq(w, slice_str(narrow[i])) ||
		    extra_key(w, narrow[i], &value))
			return "this extra field restricts the user in a way "
			    "that is not supported";
	return NULL;
}

const char *
extra_parse(const char *words, struct user *u)
{
	const char	*reason;
	struct slice	 w;

	for (;;) {
		words += strspn(words, " \t");
		w = (struct slice){ words, strcspn(words, " \t") };
		if (w.len == 0)
			return NULL;
		if ((reason = extra_word(w, u)) != NULL)
			return reason;
		words += w.len;
	}
}

bool
extra_next(const char **words, const char *key, struct slice *value)
{
	struct slice	 w;

	for (;;) {
		*words += strspn(*words, " \t");
		w = (struct slice){ *words, strcspn(*words, " \t") };
		if (w.len == 0)
			return false;
		*words += w.len;
		if (extra_key(extra_plain_name(w), key, value))
			return true;
	}
}
