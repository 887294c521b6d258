/* mailctl user: the one writer of the users file. */
#include <sys/file.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "mailctl/json.h"
#include "mailctl/mailctl.h"
#include "mailctl/password.h"
#include "mailctl/tables.h"
#include "mailctl/users_file.h"

#define FILE_MAX	((size_t)1 << 30)
#define PATH_LEN	4096
#define LOCK_TRIES	100		/* of 0.1 s */
#define SECRET_MAX	512

struct user_options {
	enum password_source	 source;
	bool			 no_password;
	const char		*uid, *gid, *home, *quota;
};

/* The file being changed: locked, read, and what it will be. */
struct change {
	const struct config	*cfg;
	const char		*path;
	int			 lock;
	mode_t			 mode;
	struct buf		 old, new;
};

static int
take_lock(struct change *c)
{
	char	 path[PATH_LEN];
	int	 i;

	if (snprintf(path, sizeof(path), "%s.lock", c->path) >=
	    (int)sizeof(path))
		return complain(EX_CONFIG, "users-file is too long");
	c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock == -1)
		return complain(errno == EACCES ? EX_NOPERM : EX_CANTCREAT,
		    "%s: %s", path, strerror(errno));
	for (i = 0; flock(c->lock, LOCK_EX | LOCK_NB) == -1; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return complain(EX_OSERR, "%s: %s", path,
			    strerror(errno));
		if (i == LOCK_TRIES)
			return complain(EX_TEMPFAIL,
			    "%s is locked by another mailctl", c->path);
		usleep(100000);
	}
	return EX_OK;
}

static int
change_begin(struct change *c, const struct config *cfg)
{
	const char	*path = cfg->users_file;
	struct stat	 st;
	int		 code;

	c->cfg = cfg;
	c->path = path;
	buf_init(&c->old, FILE_MAX);
	buf_init(&c->new, FILE_MAX);
	if ((code = take_lock(c)) != EX_OK)
		return code;
	/* A new file is for root and the directory's group. */
	c->mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0640;
	if (io_read_file(AT_FDCWD, path, &c->old) == -1 && errno != ENOENT)
		return complain(EX_NOINPUT, "%s: %s", path, strerror(errno));
	return EX_OK;
}

static bool
is_good(const struct change *c, const struct buf *text, struct buf *err)
{
	struct users	*us;

	us = tables_users_text(c->cfg, buf_slice(text), err);
	users_free(us);
	return us != NULL;
}

/*
 * authd refuses a file with an error whole: what would break a good one (a
 * quota that is none) is not written.  One that is broken already may be
 * changed, whatever else is wrong in it.
 */
static int
change_write(struct change *c)
{
	struct buf	 err;
	bool		 worse;

	buf_init(&err, 65536);
	worse = !is_good(c, &c->new, &err);
	if (worse)
		fputs(buf_cstr(&err), stderr);
	buf_clear(&err);
	worse = worse && is_good(c, &c->old, &err);
	buf_free(&err);
	if (worse)
		return complain(EX_DATAERR, "nothing was changed");
	if (io_replace_file(c->path, c->new.ptr, c->new.len, c->mode) == -1)
		return complain(errno == EACCES ? EX_NOPERM : EX_CANTCREAT,
		    "%s: %s; nothing was changed", c->path, strerror(errno));
	return EX_OK;
}

static void
change_end(struct change *c)
{
	buf_free(&c->old);
	buf_free(&c->new);
	io_close(c->lock);
}

/* The address as it stands in the file: with its domain, in lower case. */
static int
parse_user(const struct config *cfg, const char *arg, struct address *out)
{
	struct address	 p, a;

	if (address_parse(slice_str(arg), ADDRESS_LENIENT | ADDRESS_UTF8,
	    &p) != ADDRESS_OK || p.text[0] == '\0' || p.literal ||
	    address_make(p.local, p.domain[0] == '\0' ? cfg->hostname :
	    p.domain, &a) == -1)
		return complain(EX_DATAERR, "%s: not a mail address",
		    shown(arg));
	text_lower_str(a.text);
	if (strpbrk(a.text, ":\" ") != NULL)
		return complain(EX_DATAERR, "%s: a user's name cannot hold "
		    "blanks, quotes or colons", shown(arg));
	if (!config_is_local(cfg, a.domain))
		return complain(EX_DATAERR, "%s: the domain is not in domains "
		    "of %s", shown(a.text), cfg->file);
	*out = a;
	return EX_OK;
}

static int
make_secret(const struct config *cfg, const struct user_options *o,
    char out[SECRET_MAX], char password[AUTH_PASSWORD_MAX + 1])
{
	int	 code;

	if (o->no_password) {
		strlcpy(out, "!", SECRET_MAX);
		return EX_OK;
	}
	if ((code = password_get(o->source, password)) != EX_OK)
		return code;
	if (password_hash(cfg->authd.scheme, password, out,
	    SECRET_MAX) == -1)
		return complain(EX_SOFTWARE, "cannot hash by %s: %s",
		    cfg->authd.scheme, strerror(errno));
	return EX_OK;
}

static int
add_line(struct change *c, const struct address *a, const char *secret,
    const struct user_options *o)
{
	char	 line[PATH_LEN + 1024];
	int	 n;

	n = snprintf(line, sizeof(line), "%s:%s:%s:%s::%s::%s%s", a->text,
	    secret, o->uid != NULL ? o->uid : "",
	    o->gid != NULL ? o->gid : "", o->home != NULL ? o->home : "",
	    o->quota != NULL ? "quota=" : "",
	    o->quota != NULL ? o->quota : "");
	if (n < 0 || (size_t)n >= sizeof(line) ||
	    users_file_add(&c->new, buf_slice(&c->old), line) == -1)
		return complain(EX_DATAERR, "the line is too long");
	return change_write(c);
}

static int
user_set(struct mailctl *m, const struct user_options *o, const char *arg,
    bool add)
{
	const struct config	*cfg = mailctl_config(m);
	char			 secret[SECRET_MAX];
	char			 password[AUTH_PASSWORD_MAX + 1] = "";
	struct change		 c = { .lock = -1 };
	struct users_line	 l;
	struct address		 a;
	int			 code;
	bool			 there;

	if ((code = parse_user(cfg, arg, &a)) != EX_OK ||
	    (code = make_secret(cfg, o, secret, password)) != EX_OK)
		return code;
	code = change_begin(&c, cfg);
	there = code == EX_OK && users_file_find(buf_slice(&c.old), a.text,
	    cfg->hostname, &l);
	if (code != EX_OK)
		;
	else if (add && there)
		code = complain(EX_CANTCREAT, "%s is there already",
		    shown(a.text));
	else if (add)
		code = add_line(&c, &a, secret, o);
	else if (!there)
		code = complain(EX_NOUSER, "no user %s", shown(a.text));
	else if (users_file_set_secret(&c.new, buf_slice(&c.old), &l,
	    secret) == -1)
		code = complain(EX_DATAERR, "the file is too large");
	else
		code = change_write(&c);
	change_end(&c);
	if (code == EX_OK && o->source == PASSWORD_GENERATE &&
	    !o->no_password)
		printf("%s\n", password);
	explicit_bzero(password, sizeof(password));
	return code;
}

static int
user_del(struct mailctl *m, const char *arg)
{
	const struct config	*cfg = mailctl_config(m);
	struct change		 c = { .lock = -1 };
	struct users_line	 l;
	struct address		 a;
	int			 code;

	if ((code = parse_user(cfg, arg, &a)) != EX_OK)
		return code;
	code = change_begin(&c, cfg);
	if (code != EX_OK)
		;
	else if (!users_file_find(buf_slice(&c.old), a.text, cfg->hostname,
	    &l))
		code = complain(EX_NOUSER, "no user %s", shown(a.text));
	else if (users_file_del(&c.new, buf_slice(&c.old), &l) == -1)
		code = complain(EX_DATAERR, "the file is too large");
	else
		code = change_write(&c);
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
	size_t				 i;
	bool				 login;

	login = l->field[1].len > 0 && l->field[1].ptr[0] != '!' &&
	    l->field[1].ptr[0] != '*';
	if (!m->json) {
		copy_field(v, sizeof(v), l->field[0]);
		printf("%s%s", shown(v), login ? "" : " (no password)");
		copy_field(v, sizeof(v), l->field[7]);
		printf("%s%s\n", v[0] != '\0' ? " " : "", shown(v));
		return;
	}
	json_open(j, NULL, '{');
	for (i = 0; i < USERS_FIELDS; i++) {
		copy_field(v, sizeof(v), l->field[i]);
		if (keys[i] != NULL)
			json_string(j, keys[i], v);
	}
	json_bool(j, "password", login);
	json_close(j, '}');
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

	buf_init(&text, FILE_MAX);
	if (io_read_file(AT_FDCWD, cfg->users_file, &text) == -1)
		return complain(errno == EACCES ? EX_NOPERM : EX_NOINPUT,
		    "%s: %s", cfg->users_file, strerror(errno));
	json_init(&j, stdout);
	if (m->json)
		json_open(&j, NULL, '[');
	while (users_file_next(buf_slice(&text), &pos, &l))
		if (in_domain(cfg, l.field[0], domain))
			print_user(m, &j, &l);
	if (m->json) {
		json_close(&j, ']');
		json_line(&j);
	}
	buf_free(&text);
	return EX_OK;
}

static const char	 user_usage[] =
    "mailctl user add address [--generate | --stdin | --no-password]\n"
    "                        [--quota size] [--uid n --gid n] [--home dir]\n"
    "       mailctl user passwd address [--generate | --stdin]\n"
    "       mailctl user del address\n"
    "       mailctl user list [--json] [domain]";

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
	return wrong_usage(user_usage);
}
