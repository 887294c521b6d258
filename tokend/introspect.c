/* Contract in introspect.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/net/proto_token.h"
#include "tokend/introspect.h"

/* "token=", the longest token in %HH, and the hint. */
#define FORM_MAX	(3 * TOKEN_MAX + 64)

struct introspect {
	const struct config_oauth	*conf;
	CURL				*curl;
	struct curl_slist		*headers;
	struct buf			*body;	/* of the answer */
	bool				 huge;
	char				 error[CURL_ERROR_SIZE];
};

static size_t
take(char *data, size_t size, size_t n, void *arg)
{
	struct introspect	*in = arg;

	if (buf_add(in->body, data, size * n) == -1) {
		in->huge = true;
		return 0;
	}
	return size * n;
}

/*
 * RFC 6749 2.3.1: both parts are encoded as in a form before they become Basic
 * authentication, so that a colon in the name separates nothing.
 */
static CURLcode
set_client(struct introspect *in, const char *secret)
{
	const char	*id = in->conf->client_id;
	char		*name, *password;
	CURLcode	 rc = CURLE_OUT_OF_MEMORY;

	if (id == NULL)
		return CURLE_OK;
	name = curl_easy_escape(in->curl, id, 0);
	password = curl_easy_escape(in->curl, secret, 0);
	if (name != NULL && password != NULL) {
		rc = curl_easy_setopt(in->curl, CURLOPT_HTTPAUTH,
		    (long)CURLAUTH_BASIC);
		if (rc == CURLE_OK)
			rc = curl_easy_setopt(in->curl, CURLOPT_USERNAME,
			    name);
		if (rc == CURLE_OK)
			rc = curl_easy_setopt(in->curl, CURLOPT_PASSWORD,
			    password);
	}
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	curl_free(name);
	curl_free(password);
	return rc;
}

static CURLcode
set_text(CURL *c, CURLoption option, const char *value, CURLcode before)
{
	return before != CURLE_OK ? before :
	    curl_easy_setopt(c, option, value);
}

static CURLcode
set_number(CURL *c, CURLoption option, long value, CURLcode before)
{
	return before != CURLE_OK ? before :
	    curl_easy_setopt(c, option, value);
}

/*
 * No redirects, which would take the token elsewhere, no proxy, no other
 * protocol than the one that was written, no certificate that is not checked.
 */
static CURLcode
set_options(struct introspect *in)
{
	const struct config_oauth	*o = in->conf;
	CURL				*c = in->curl;
	CURLcode			 rc = CURLE_OK;
	const char			*protocol;

	protocol = strncasecmp(o->url, "https:", 6) == 0 ? "https" : "http";
	rc = set_text(c, CURLOPT_URL, o->url, rc);
	rc = set_text(c, CURLOPT_PROTOCOLS_STR, protocol, rc);
	rc = set_text(c, CURLOPT_PROXY, "", rc);
	rc = set_text(c, CURLOPT_USERAGENT, "merpati", rc);
	rc = set_text(c, CURLOPT_CAINFO, o->ca_file, rc);
	rc = set_number(c, CURLOPT_FOLLOWLOCATION, 0, rc);
	rc = set_number(c, CURLOPT_SSL_VERIFYPEER, 1, rc);
	rc = set_number(c, CURLOPT_SSL_VERIFYHOST, 2, rc);
	rc = set_number(c, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2, rc);
	rc = set_number(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1, rc);
	rc = set_number(c, CURLOPT_NETRC, CURL_NETRC_IGNORED, rc);
	rc = set_number(c, CURLOPT_NOSIGNAL, 1, rc);
	rc = set_number(c, CURLOPT_POST, 1, rc);
	rc = set_number(c, CURLOPT_MAXFILESIZE, INTROSPECT_BODY, rc);
	rc = set_number(c, CURLOPT_TIMEOUT_MS, (long)o->timeout * 1000, rc);
	rc = set_number(c, CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout * 1000,
	    rc);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_HTTPHEADER, in->headers);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_ERRORBUFFER, in->error);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_WRITEDATA, in);
	return rc;
}

struct introspect *
introspect_new(const struct config_oauth *conf, const char *secret)
{
	struct introspect	*in = xcalloc(1, sizeof(*in));

	in->conf = conf;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (in->curl = curl_easy_init()) == NULL ||
	    (in->headers = curl_slist_append(NULL,
	    "Accept: application/json")) == NULL ||
	    set_options(in) != CURLE_OK ||
	    set_client(in, secret) != CURLE_OK) {
		introspect_free(in);
		return NULL;
	}
	return in;
}

void
introspect_free(struct introspect *in)
{
	if (in == NULL)
		return;
	curl_easy_cleanup(in->curl);
	curl_slist_free_all(in->headers);
	free(in);
}

/* "application/json", parameters allowed (RFC 7662 2.2). */
static bool
is_json(const char *type)
{
	static const char	 json[] = "application/json";
	size_t			 n = sizeof(json) - 1;

	return type != NULL && strncasecmp(type, json, n) == 0 &&
	    (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

/* 0 when the answer is one to be read. */
static int
answered(struct introspect *in, CURLcode rc, char why[INTROSPECT_WHY])
{
	const char	*type = NULL;
	long		 status = 0;

	if (in->huge || rc == CURLE_FILESIZE_EXCEEDED) {
		snprintf(why, INTROSPECT_WHY, "its answer is too long");
		return -1;
	}
	if (rc != CURLE_OK) {
		snprintf(why, INTROSPECT_WHY, "%s", in->error[0] != '\0' ?
		    in->error : curl_easy_strerror(rc));
		return -1;
	}
	curl_easy_getinfo(in->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(in->curl, CURLINFO_CONTENT_TYPE, &type);
	if (status == 200 && is_json(type))
		return 0;
	if (status == 200)
		snprintf(why, INTROSPECT_WHY, "its answer is not "
		    "application/json");
	else
		snprintf(why, INTROSPECT_WHY, "it answers with status %ld%s",
		    status, status == 401 ? ": client-id or secret" : "");
	return -1;
}

int
introspect_ask(struct introspect *in, const char *token, struct buf *body,
    char why[INTROSPECT_WHY])
{
	static char	 form[FORM_MAX];
	char		*escaped;
	CURLcode	 rc;

	if ((escaped = curl_easy_escape(in->curl, token, 0)) == NULL) {
		snprintf(why, INTROSPECT_WHY, "no memory");
		return -1;
	}
	snprintf(form, sizeof(form), "token=%s&token_type_hint=access_token",
	    escaped);
	explicit_bzero(escaped, strlen(escaped));
	curl_free(escaped);
	buf_clear(body);
	in->body = body;
	in->huge = false;
	in->error[0] = '\0';
	rc = curl_easy_setopt(in->curl, CURLOPT_POSTFIELDS, form);
	if (rc == CURLE_OK)
		rc = curl_easy_perform(in->curl);
	curl_easy_setopt(in->curl, CURLOPT_POSTFIELDS, "");
	explicit_bzero(form, sizeof(form));
	return answered(in, rc, why);
}

int
introspect_secret(const char *path, char secret[SECRET_MAX + 1])
{
	struct buf	 b;
	int		 r = -1;
	size_t		 i;

	buf_init(&b, SECRET_MAX + 1);
	if (buf_reserve(&b, SECRET_MAX + 1) == NULL ||
	    io_read_file(AT_FDCWD, path, &b) == -1)
		goto out;
	if (b.len > 0 && b.ptr[b.len - 1] == '\n')
		b.len--;
	for (i = 0; i < b.len && !text_is_control(b.ptr[i]); i++)
		;
	if (i < b.len || b.len == 0 || b.len > SECRET_MAX) {
		errno = EINVAL;
		goto out;
	}
	memcpy(secret, b.ptr, b.len);
	secret[b.len] = '\0';
	r = 0;
out:
	if (b.ptr != NULL)
		explicit_bzero(b.ptr, b.size);
	buf_free(&b);
	return r;
}
