/*
 * mailctl user certificate: whose client certificate is whose.  The file has
 * its SHA-256, so the certificate itself need not stay.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "mailctl/user_parts.h"

#define PRINT	64		/* hexadecimal digits */

static int
fingerprint(const char *file, char out[PRINT + 1])
{
	FILE		*f = fopen(file, "re");
	X509		*x;
	unsigned char	 md[EVP_MAX_MD_SIZE];
	unsigned int	 i, n = 0;

	if (f == NULL)
		return complain(EX_NOINPUT, "%s: cannot be read",
		    shown(file));
	x = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (x == NULL || X509_digest(x, EVP_sha256(), md, &n) != 1 ||
	    n != PRINT / 2) {
		X509_free(x);
		return complain(EX_DATAERR, "%s: no certificate in PEM",
		    shown(file));
	}
	X509_free(x);
	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
	return EX_OK;
}

/* The words of the line with the certificate, or without any. */
static int
change_words(struct change *c, const struct users_line *l, const char *print)
{
	static const char	*const drop[] = { "certificate", NULL };
	static const char	*const none[] = { NULL };
	struct buf		 words;
	int			 code = EX_OK;

	buf_init(&words, 65536);
	if (users_file_extra(&words, l->field[USERS_EXTRA],
	    print == NULL ? drop : none) == -1 || (print != NULL &&
	    buf_addf(&words, "%scertificate=%s", words.len > 0 ? " " : "",
	    print) == -1) ||
	    users_file_set_field(&c->new, buf_slice(&c->old), l, USERS_EXTRA,
	    buf_cstr(&words)) == -1)
		code = complain(EX_DATAERR, "the line is too long");
	else
		code = change_write(c);
	if (words.ptr != NULL)
		explicit_bzero(words.ptr, words.len);
	buf_free(&words);
	return code;
}

int
user_certificate(struct mailctl *m, int argc, char **argv)
{
	const struct config	*cfg = mailctl_config(m);
	struct change		 c;
	struct users_line	 l;
	struct address		 a;
	char			 print[PRINT + 1];
	int			 code;

	if ((code = user_address(cfg, argv[0], &a)) != EX_OK ||
	    (argc == 2 && (code = fingerprint(argv[1], print)) != EX_OK))
		return code;
	code = change_begin(&c, cfg, cfg->users_file, user_file_good);
	if (code == EX_OK && !users_file_find(buf_slice(&c.old), a.text,
	    cfg->hostname, &l))
		code = complain(EX_NOUSER, "no user %s", shown(a.text));
	else if (code == EX_OK)
		code = change_words(&c, &l, argc == 2 ? print : NULL);
	change_end(&c);
	return code;
}
