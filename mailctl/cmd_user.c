/* mailctl user: the one writer of the users file. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "mailctl/json.h"
#include "mailctl/password.h"
#include "mailctl/tables.h"
#include "mailctl/user_parts.h"

#define PATH_LEN	4096

struct user_options {
	enum password_source	 source;
	bool			 no_password;
	const char		*uid, *gid, *home, *quota;
};

/* The password for the caller to print and wipe. */
static int
make_proofs(const struct config *cfg, const struct user_options *o,
    struct user_proofs *p, char password[AUTH_PASSWORD_MAX + 1])
{
	int	 code;

	memset(p, 0, sizeof(*p));
	if (o->no_password) {
		strlcpy(p->secret, "!", sizeof(p->secret));
		return EX_OK;
	}
	if ((code = password_get(o->source, password)) != EX_OK)
		return code;
	return user_proofs_make(cfg, password, p);
}

static int
add_line(struct change *c, const struct address *a,
    const struct user_proofs *p, const struct user_options *o)
{
	char		 line[PATH_LEN + 2048];
	struct buf	 words;
	int		 n, code;

	buf_init(&words, sizeof(line));
	if (o->quota != NULL)
		(void)buf_addf(&words, "quota=%s", o->quota);
	code = user_proofs_words(&words, (struct slice){ "", 0 }, p);
	n = snprintf(line, sizeof(line), "%s:%s:%s:%s::%s::%s", a->text,
	    p->secret, o->uid != NULL ? o->uid : "",
	    o->gid != NULL ? o->gid : "", o->home != NULL ? o->home : "",
	    buf_cstr(&words));
	buf_free(&words);
	if (code != EX_OK)
		return code;
	if (n < 0 || (size_t)n >= sizeof(line))
		return complain(EX_DATAERR, "the line is too long");
	return user_line_add(c, line);
}

/* First the words at the line's end, then what stands before them. */
static int
set_proofs(struct change *c, const char *address, struct users_line *l,
    const struct user_proofs *p)
{
	struct buf	 words, half;
	int		 code;

	buf_init(&words, c->new.max);
	buf_init(&half, c->new.max);
	code = user_proofs_words(&words, l->field[USERS_EXTRA], p);
	if (code == EX_OK && (users_file_set_field(&half, buf_slice(&c->old),
	    l, USERS_EXTRA, buf_cstr(&words)) == -1 ||
	    !users_file_find(buf_slice(&half), address, c->cfg->hostname,
	    l) || users_file_set_field(&c->new, buf_slice(&half), l,
	    USERS_SECRET, p->secret) == -1))
		code = complain(EX_DATAERR, "the file is too large");
	buf_free(&words);
	buf_free(&half);
	return code == EX_OK ? change_write(c) : code;
}

static int
user_set(struct mailctl *m, const struct user_options *o, const char *arg,
    bool add)
{
	const struct config	*cfg = mailctl_config(m);
	struct user_proofs	 p;
	char			 password[AUTH_PASSWORD_MAX + 1] = "";
	struct change		 c;
	struct users_line	 l;
	struct address		 a;
	int			 code;
	bool			 there;

	if ((code = user_address(cfg, arg, &a)) != EX_OK)
		return code;
	if ((code = make_proofs(cfg, o, &p, password)) != EX_OK) {
		explicit_bzero(password, sizeof(password));
		return code;
	}
	code = change_begin(&c, cfg, cfg->users_file, user_file_good);
	there = code == EX_OK && users_file_find(buf_slice(&c.old), a.text,
	    cfg->hostname, &l);
	if (code != EX_OK)
		;
	else if (add && there)
		code = complain(EX_CANTCREAT, "%s is there already",
		    shown(a.text));
	else if (add)
		code = add_line(&c, &a, &p, o);
	else if (!there)
		code = complain(EX_NOUSER, "no user %s", shown(a.text));
	else
		code = set_proofs(&c, a.text, &l, &p);
	change_end(&c);
	if (code == EX_OK && o->source == PASSWORD_GENERATE &&
	    !o->no_password)
		printf("%s\n", password);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(&p, sizeof(p));
	return code;
}

static int
user_del(struct mailctl *m, const char *arg)
{
	const struct config	*cfg = mailctl_config(m);
	struct change		 c;
	struct users_line	 l;
	struct address		 a;
	int			 code;

	if ((code = user_address(cfg, arg, &a)) != EX_OK)
		return code;
	if (user_is_there(cfg, a.text) &&
	    (code = app_passwords_remove_all(cfg, a.text)) != EX_OK)
		return code;
	code = change_begin(&c, cfg, cfg->users_file, user_file_good);
	if (code != EX_OK)
		;
	else if (!users_file_find(buf_slice(&c.old), a.text, cfg->hostname,
	    &l))
		code = complain(EX_NOUSER, "no user %s", shown(a.text));
	else
		code = user_line_del(&c, &l);
	change_end(&c);
	return code;
}

static void
copy_field(char *out, size_t size, struct slice field)
{
	size_t	 n = field.len < size ? field.len : size - 1;

	memcpy(out, field.ptr, n);
	out[n] = '\0';
}

static void
print_user(const struct mailctl *m, struct json *j,
    const struct users_line *l)
{
	static const char *const	 keys[] = { "address", NULL, "uid",
	    "gid", NULL, "home", NULL, "extra" };
	char				 v[PATH_LEN];
	struct buf			 words;
	size_t				 i;
	bool				 login;

	buf_init(&words, PATH_LEN);
	user_words_shown(l->field[USERS_EXTRA], &words);

	login = l->field[1].len > 0 && l->field[1].ptr[0] != '!' &&
	    l->field[1].ptr[0] != '*';
	if (!m->json) {
		copy_field(v, sizeof(v), l->field[0]);
		printf("%s%s", shown(v), login ? "" : " (no password)");
		printf("%s%s\n", words.len > 0 ? " " : "",
		    shown(buf_cstr(&words)));
		buf_free(&words);
		return;
	}
	json_open(j, NULL, '{');
	for (i = 0; i < USERS_FIELDS; i++) {
		copy_field(v, sizeof(v), i == USERS_EXTRA ?
		    buf_slice(&words) : l->field[i]);
		if (keys[i] != NULL)
			json_string(j, keys[i], v);
	}
	json_bool(j, "password", login);
	json_close(j, '}');
	buf_free(&words);
}

static bool
in_domain(const struct config *cfg, struct slice name, const char *domain)
{
	const char	*at = memrchr(name.ptr, '@', name.len);

	if (domain == NULL)
		return true;
	if (at == NULL)
		return strcasecmp(domain, cfg->hostname) == 0;
	return slice_is((struct slice){ at + 1,
	    (size_t)(name.ptr + name.len - at - 1) }, domain);
}

static int
user_list(struct mailctl *m, const char *domain)
{
	const struct config	*cfg = mailctl_config(m);
	struct users_line	 l;
	struct json		 j;
	struct buf		 text;
	size_t			 pos = 0;

	buf_init(&text, USERS_FILE_MAX);
	if (io_read_file(AT_FDCWD, cfg->users_file, &text) == -1)
		return complain(errno == EACCES ? EX_NOPERM : EX_NOINPUT,
		    "%s: %s", cfg->users_file, strerror(errno));
	json_list_begin(&j, m->json);
	while (users_file_next(buf_slice(&text), &pos, &l))
		if (in_domain(cfg, l.field[0], domain))
			print_user(m, &j, &l);
	json_list_end(&j, m->json);
	buf_free(&text);
	return EX_OK;
}

static const char	 user_usage[] =
    "mailctl user add address [--generate | --stdin | --no-password]\n"
    "                        [--quota size] [--uid n --gid n] [--home dir]\n"
    "       mailctl user passwd address [--generate | --stdin]\n"
    "       mailctl user del address\n"
    "       mailctl user list [--json] [domain]\n"
    "       mailctl user show [--json] address\n"
    "       mailctl user certificate add address file.pem\n"
    "       mailctl user certificate remove address";

/* No field may end early or hold what is no number. */
static int
check_options(const struct user_options *o)
{
	const char *const	 values[] = { o->uid, o->gid, o->home,
	    o->quota };
	uint64_t		 n;
	size_t			 i;
	const char		*p;

	for (i = 0; i < 4; i++) {
		if (values[i] == NULL)
			continue;
		for (p = values[i]; *p != '\0'; p++)
			if (text_is_control(*p) || *p == ':' || *p == ' ')
				return complain(EX_USAGE, "%s: blanks, colons "
				    "and control characters are not possible "
				    "in the users file", shown(values[i]));
		if (i < 2 && text_u64(slice_str(values[i]), UINT32_MAX - 1,
		    &n) == -1)
			return complain(EX_USAGE, "%s: not a number",
			    values[i]);
	}
	if (o->home != NULL && o->home[0] != '/')
		return complain(EX_USAGE, "%s: not an absolute path",
		    o->home);
	return EX_OK;
}

static int
parse_options(struct mailctl *m, int argc, char **argv,
    struct user_options *o)
{
	static const struct option	 longs[] = {
		{ "generate", no_argument, NULL, 'g' },
		{ "stdin", no_argument, NULL, 's' },
		{ "no-password", no_argument, NULL, 'n' },
		{ "quota", required_argument, NULL, 'q' },
		{ "uid", required_argument, NULL, 'u' },
		{ "gid", required_argument, NULL, 'G' },
		{ "home", required_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	int				 c;

	memset(o, 0, sizeof(*o));
	optind = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'g':
			o->source = PASSWORD_GENERATE;
			break;
		case 's':
			o->source = PASSWORD_STDIN;
			break;
		case 'n':
			o->no_password = true;
			break;
		case 'q':
			o->quota = optarg;
			break;
		case 'u':
			o->uid = optarg;
			break;
		case 'G':
			o->gid = optarg;
			break;
		case 'h':
			o->home = optarg;
			break;
		case 'j':
			m->json = true;
			break;
		default:
			return wrong_usage(user_usage);
		}
	}
	return check_options(o);
}

int
cmd_user(struct mailctl *m, int argc, char **argv)
{
	struct user_options	 o;
	const char		*what;
	int			 code, n;

	if (argc < 2)
		return wrong_usage(user_usage);
	what = argv[1];
	if ((code = parse_options(m, argc - 1, argv + 1, &o)) != EX_OK)
		return code;
	argv += 1 + optind;
	n = argc - 1 - optind;
	if (strcmp(what, "list") == 0 && n <= 1)
		return user_list(m, n == 1 ? argv[0] : NULL);
	if (n == 1 && strcmp(what, "add") == 0)
		return user_set(m, &o, argv[0], true);
	if (n == 1 && strcmp(what, "passwd") == 0)
		return user_set(m, &o, argv[0], false);
	if (n == 1 && strcmp(what, "del") == 0)
		return user_del(m, argv[0]);
	if (n == 1 && strcmp(what, "show") == 0)
		return user_show(m, argv[0]);
	if (strcmp(what, "certificate") == 0 && ((n == 3 &&
	    strcmp(argv[0], "add") == 0) || (n == 2 &&
	    strcmp(argv[0], "remove") == 0)))
		return user_certificate(m, n - 1, argv + 1);
	return wrong_usage(user_usage);
}
