/* mailctl queue: what is in the queue, and what is done to it. */
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
#include "lib/mail/address.h"
#include "lib/store/spool.h"
#include "mailctl/mailctl.h"
#include "mailctl/queue_client.h"
#include "mailctl/queue_print.h"

#define BUFFER		65536
#define PIPE_SIZE	(1024 * 1024)

static const char	 queue_usage[] =
    "mailctl queue list [--json] [selection]\n"
    "       mailctl queue destinations [--json]\n"
    "       mailctl queue show [--message | --json] id\n"
    "       mailctl queue retry | release | remove selection\n"
    "       mailctl queue hold [--reason text] selection\n"
    "       mailctl queue reroute --to address selection\n"
    "selection: id ... | --all | --recipient address | --sender address\n"
    "       | --domain name";

struct queue_options {
	struct queue_selector	 which;		/* unless ids are named */
	bool			 chosen;
	const char		*reason, *to;
	bool			 message;
	bool			 words;		/* chosen without dashes */
	char			**id;
	size_t			 nid;
};

static int
down(const struct config *cfg)
{
	return complain(errno == EACCES ? EX_NOPERM : EX_TEMPFAIL,
	    "queue-runner cannot be asked (%s/queue/control.sock): %s",
	    cfg->run_dir, strerror(errno));
}

/* queue-runner is down: the files tell, to those who may read them. */
static int
list_files(const struct config *cfg, const struct queue_selector *which,
    struct queue_print *p)
{
	int	 spool, n = -1;

	spool = open(cfg->spool_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool != -1)
		n = queue_list(spool, which, queue_print_item, p);
	if (n == -1)
		n = complain(errno == EACCES ? EX_NOPERM : EX_NOINPUT,
		    "queue-runner is down, and its files cannot be read: "
		    "%s: %s", cfg->spool_dir, strerror(errno));
	io_close(spool);
	/* 1: nobody reads our output any more. */
	return n == 1 ? EX_OK : n;
}

/* 1: nobody reads on; -1: the line makes no sense. */
static int
print_line(struct slice line, bool dests, struct queue_print *p)
{
	static struct queue_item	 item;
	static struct queue_dest	 dest;

	if (dests)
		return queue_dest_parse(line, &dest) == -1 ? -1 :
		    queue_print_dest(&dest, p);
	return queue_item_parse(line, &item) == -1 ? -1 :
	    queue_print_item(&item, p);
}

/* Lines from queue-runner's lister, as they come. */
static int
read_listing(int fd, bool dests, struct queue_print *p)
{
	struct slice			 text;
	FILE				*f = fdopen(fd, "r");
	char				*line = NULL;
	size_t				 size = 0;
	uint64_t			 count;
	ssize_t				 n;
	bool				 whole = false;
	int				 rc = 0;

	if (f == NULL)
		return complain(EX_OSERR, "%s", strerror(errno));
	setvbuf(f, NULL, _IOFBF, BUFFER);
	while ((n = getline(&line, &size, f)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		text = (struct slice){ line, (size_t)n };
		whole = queue_item_end(text, &count);
		if (whole || (rc = print_line(text, dests, p)) != 0)
			break;
	}
	whole = whole || rc == 1;
	free(line);
	fclose(f);
	return whole ? EX_OK : complain(EX_TEMPFAIL,
	    "the listing was cut short");
}

/* which NULL: destinations. */
static int
list_asked(int sock, const struct queue_selector *which,
    struct queue_print *p)
{
	static struct ipc_msg	 ans;
	struct control_request	 req = { .verb = CONTROL_DESTINATIONS };
	int			 fds[2], code;
	uint64_t		 count;

	if (which != NULL) {
		req.verb = CONTROL_LIST;
		req.which = *which;
	}
	if (pipe2(fds, O_CLOEXEC) == -1)
		return complain(EX_OSERR, "%s", strerror(errno));
	/* The lister need not wait for us at every line; a wish. */
	(void)fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE);
	req.fd = fds[1];
	code = queue_ask(sock, &req, "done", &ans);
	close(fds[1]);
	if (code == EX_OK && proto_control_get_done(&ans, &count) == -1)
		code = complain(EX_PROTOCOL,
		    "queue-runner's answer makes no sense");
	if (code != EX_OK) {
		close(fds[0]);
		return code;
	}
	return read_listing(fds[0], which == NULL, p);
}

static int
list(struct mailctl *m, const struct queue_options *o)
{
	const struct config	*cfg = mailctl_config(m);
	struct queue_selector	 which = o->which;
	struct queue_print	 p;
	size_t			 i = 0;
	int			 code, sock;

	setvbuf(stdout, NULL, _IOFBF, BUFFER);
	queue_print_begin(&p, m->json);
	do {
		if (o->nid > 0) {
			which.by = BY_ID;
			strlcpy(which.value, o->id[i], sizeof(which.value));
		}
		sock = queue_connect(cfg);
		if (sock != -1)
			code = list_asked(sock, &which, &p);
		else if (errno == ENOENT || errno == ECONNREFUSED)
			code = list_files(cfg, &which, &p);
		else
			code = down(cfg);
		io_close(sock);
	} while (++i < o->nid && code == EX_OK);
	queue_print_end(&p);
	return code;
}

static int
destinations(struct mailctl *m, const struct queue_options *o)
{
	const struct config	*cfg = mailctl_config(m);
	struct queue_print	 p;
	int			 code, sock;

	if (o->nid > 0 || o->chosen)
		return wrong_usage(queue_usage);
	if ((sock = queue_connect(cfg)) == -1)
		return down(cfg);
	queue_print_begin(&p, m->json);
	code = list_asked(sock, NULL, &p);
	queue_print_end_dests(&p);
	close(sock);
	return code;
}

static int
show(struct mailctl *m, const struct queue_options *o)
{
	const struct config	*cfg = mailctl_config(m);
	static struct ipc_msg	 ans;
	struct control_request	 req = { .verb = CONTROL_SHOW, .fd = -1 };
	struct control_shown	 shown_msg;
	int			 sock, code;

	if (o->nid != 1)
		return wrong_usage(queue_usage);
	req.which.by = BY_ID;
	strlcpy(req.which.value, o->id[0], sizeof(req.which.value));
	if ((sock = queue_connect(cfg)) == -1)
		return down(cfg);
	code = queue_ask(sock, &req, "shown", &ans);
	if (code == EX_OK && proto_control_get_shown(&ans, &shown_msg) == -1)
		code = complain(EX_PROTOCOL,
		    "queue-runner's answer makes no sense");
	close(sock);
	if (code != EX_OK)
		return code;
	code = queue_print_shown(o->id[0], &shown_msg, o->message, m->json);
	io_close(shown_msg.message);
	io_close(shown_msg.state);
	return code;
}

static int
ask_done(int sock, const struct control_request *req, uint64_t *count)
{
	static struct ipc_msg	 ans;
	int			 code;

	code = queue_ask(sock, req, "done", &ans);
	if (code == EX_OK && proto_control_get_done(&ans, count) == -1)
		code = complain(EX_PROTOCOL,
		    "queue-runner's answer makes no sense");
	return code;
}

static int
change(struct mailctl *m, enum control_verb verb, const char *name,
    const struct queue_options *o)
{
	const struct config	*cfg = mailctl_config(m);
	struct control_request	 req = { .verb = verb, .which = o->which,
	    .fd = -1 };
	uint64_t		 count, total = 0;
	size_t			 i = 0;
	int			 sock, code, worst = EX_OK;

	if (!o->chosen && o->nid == 0)
		return wrong_usage(queue_usage);
	if (verb == CONTROL_HOLD && o->reason != NULL)
		strlcpy(req.text, o->reason, sizeof(req.text));
	if (verb == CONTROL_REROUTE)
		strlcpy(req.text, o->to, sizeof(req.text));
	if ((sock = queue_connect(cfg)) == -1)
		return down(cfg);
	do {
		if (o->nid > 0) {
			req.which.by = BY_ID;
			strlcpy(req.which.value, o->id[i],
			    sizeof(req.which.value));
		}
		count = 0;
		code = ask_done(sock, &req, &count);
		total += count;
		if (code == EX_OK && count == 0 && o->nid > 0)
			code = complain(EX_UNAVAILABLE, "nothing was done to "
			    "%s", o->id[i]);
		if (worst == EX_OK)
			worst = code;
		/* An id that is not there does not spare the others. */
	} while (++i < o->nid && (code == EX_OK || code == EX_UNAVAILABLE));
	close(sock);
	printf("%s: %llu message%s\n", name, (unsigned long long)total,
	    total == 1 ? "" : "s");
	return worst;
}

/* --to's value in the form that the queue keeps addresses in. */
static int
check_to(struct queue_options *o)
{
	static struct address	 a;

	if (o->to == NULL)
		return wrong_usage(queue_usage);
	if (address_parse(slice_str(o->to), ADDRESS_LENIENT | ADDRESS_UTF8,
	    &a) != ADDRESS_OK || a.domain[0] == '\0')
		return complain(EX_DATAERR, "%s: not a full mail address",
		    shown(o->to));
	o->to = a.text;
	return EX_OK;
}

static int
choose(struct queue_options *o, enum queue_by by, const char *value)
{
	struct address	 a;

	if (o->chosen)
		return complain(EX_USAGE, "one selection at a time");
	o->chosen = true;
	o->which.by = by;
	/* The queue has addresses in canonical form. */
	if ((by == BY_RECIPIENT || by == BY_SENDER) &&
	    address_parse(slice_str(value), ADDRESS_LENIENT | ADDRESS_UTF8,
	    &a) == ADDRESS_OK)
		value = a.text;
	if (by == BY_SENDER && strcmp(value, "<>") == 0)
		value = "";
	if (strlcpy(o->which.value, value, sizeof(o->which.value)) >=
	    sizeof(o->which.value))
		return complain(EX_USAGE, "the value is too long");
	return EX_OK;
}

/* "domain NAME" and so on, as people say it, without the dashes. */
static int
choose_words(struct queue_options *o, int argc, char **argv)
{
	static const struct {
		const char	*name;
		enum queue_by	 by;
	} words[] = { { "domain", BY_DOMAIN }, { "recipient", BY_RECIPIENT },
	    { "sender", BY_SENDER } };
	size_t	 i;

	if (argc == 1 && strcmp(argv[0], "all") == 0) {
		o->words = true;
		return choose(o, BY_ALL, "");
	}
	for (i = 0; argc == 2 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(argv[0], words[i].name) == 0) {
			o->words = true;
			return choose(o, words[i].by, argv[1]);
		}
	return EX_OK;
}

static int
parse_options(struct mailctl *m, int argc, char **argv,
    struct queue_options *o)
{
	static const struct option	 longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "recipient", required_argument, NULL, 'r' },
		{ "sender", required_argument, NULL, 's' },
		{ "domain", required_argument, NULL, 'd' },
		{ "reason", required_argument, NULL, 'R' },
		{ "to", required_argument, NULL, 't' },
		{ "message", no_argument, NULL, 'm' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	int				 c, code = EX_OK;

	memset(o, 0, sizeof(*o));
	optind = 0;
	while (code == EX_OK &&
	    (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'a':
			code = choose(o, BY_ALL, "");
			break;
		case 'r':
			code = choose(o, BY_RECIPIENT, optarg);
			break;
		case 's':
			code = choose(o, BY_SENDER, optarg);
			break;
		case 'd':
			code = choose(o, BY_DOMAIN, optarg);
			break;
		case 'R':
			o->reason = optarg;
			break;
		case 't':
			o->to = optarg;
			break;
		case 'm':
			o->message = true;
			break;
		case 'j':
			m->json = true;
			break;
		default:
			code = wrong_usage(queue_usage);
		}
	}
	if (code != EX_OK)
		return code;
	if ((code = choose_words(o, argc - optind, argv + optind)) != EX_OK)
		return code;
	if (o->words)
		return EX_OK;
	o->id = argv + optind;
	o->nid = (size_t)(argc - optind);
	if (o->nid > 0 && o->chosen)
		return complain(EX_USAGE, "ids and a selection at once");
	for (; optind < argc; optind++)
		if (!spool_id_valid(argv[optind]))
			return complain(EX_USAGE, "%s: not a message's id",
			    shown(argv[optind]));
	return EX_OK;
}

int
cmd_queue(struct mailctl *m, int argc, char **argv)
{
	static const struct {
		const char		*name;
		enum control_verb	 verb;
	} changes[] = {
		{ "retry", CONTROL_RETRY }, { "hold", CONTROL_HOLD },
		{ "release", CONTROL_RELEASE }, { "remove", CONTROL_REMOVE },
		{ "reroute", CONTROL_REROUTE },
	};
	struct queue_options	 o;
	size_t			 i;
	int			 code;

	if (argc < 2)
		return wrong_usage(queue_usage);
	if ((code = parse_options(m, argc - 1, argv + 1, &o)) != EX_OK)
		return code;
	if (strcmp(argv[1], "list") == 0)
		return list(m, &o);
	if (strcmp(argv[1], "destinations") == 0)
		return destinations(m, &o);
	if (strcmp(argv[1], "show") == 0)
		return show(m, &o);
	if (strcmp(argv[1], "reroute") == 0 &&
	    (code = check_to(&o)) != EX_OK)
		return code;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (strcmp(argv[1], changes[i].name) == 0)
			return change(m, changes[i].verb, changes[i].name,
			    &o);
	return wrong_usage(queue_usage);
}
