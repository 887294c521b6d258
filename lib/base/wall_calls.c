/*
 * Contract in wall_calls.h.
 *
 * Both filters are made once, before there are children: to make one takes a
 * millisecond, to load it some 20 to 40 us, to inherit it nothing.  Calls that
 * are allowed whatever their arguments cost nothing either, as the kernel has a
 * map of them.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#if HAVE_SECCOMP
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#endif

#include "lib/base/io.h"
#include "lib/base/wall.h"
#include "lib/base/wall_calls.h"
#include "lib/base/xmalloc.h"

#if HAVE_SECCOMP

#define FILTER_MAX	4096	/* instructions; the kernel's limit */
/* prctl(2) of this says ENOTNAM where the first filter is; its edition. */
#define MARK		0x4d705701U

#ifdef __s390__
#define CLONE_FLAGS	1	/* the argument */
#else
#define CLONE_FLAGS	0
#endif

static struct sock_fprog	 rest;	/* len 0: not made */
static bool			 loaded;

/* By name: one that this libseccomp does not know is left out. */
static const char *const	 deadly[] = {
#ifndef __SANITIZE_ADDRESS__
	"ptrace",		/* the search for leaks stops threads */
#endif
	"process_vm_readv", "process_vm_writev", "process_madvise",
	"pidfd_getfd", "kcmp",
	"bpf", "perf_event_open", "userfaultfd",
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"add_key", "request_key", "keyctl",
	"mount", "umount", "umount2", "mount_setattr", "move_mount",
	"open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
	"pivot_root", "chroot", "unshare", "setns",
	"init_module", "finit_module", "create_module", "delete_module",
	"kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
	"acct", "syslog", "open_by_handle_at", "fanotify_init", "nfsservctl",
	"iopl", "ioperm", "vm86", "vm86old", "lookup_dcookie",
	"sethostname", "setdomainname", "settimeofday", "clock_settime",
};

static const unsigned int	 fresh_namespaces[] = { CLONE_NEWNS,
	CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
	CLONE_NEWPID, CLONE_NEWNET };

static const char *const	 executing[] = { "execve", "execveat" };
static const char *const	 signalling[] = { "kill", "rt_sigqueueinfo",
	"rt_tgsigqueueinfo", "pidfd_send_signal" };

static struct scmp_arg_cmp
when(unsigned int arg, enum scmp_compare op, uint64_t a, uint64_t b)
{
	const struct scmp_arg_cmp	 cmp = { .arg = arg, .op = op,
	    .datum_a = a, .datum_b = b };

	return cmp;
}

static int
add(scmp_filter_ctx c, uint32_t action, const char *name, unsigned int n,
    struct scmp_arg_cmp cmp)
{
	int	 nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR)
		return 0;
	/* -EDOM: not on this architecture. */
	nr = seccomp_rule_add_array(c, action, nr, n, &cmp);
	return nr == -EDOM ? 0 : nr;
}

static int
add_all(scmp_filter_ctx c, uint32_t action, const char *const *names,
    size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (add(c, action, names[i], 0, when(0, SCMP_CMP_EQ, 0, 0)) !=
		    0)
			return -1;
	return 0;
}

#define LIST(a)		a, sizeof(a) / sizeof((a)[0])
#define EPERMIT		SCMP_ACT_ERRNO(EPERM)

/* One rule refuses what lies between two families. */
static int
add_families(scmp_filter_ctx c, unsigned int flags)
{
	static const struct {
		unsigned int	 family, flag;
	} known[] = {
		/* In order. */
		{ AF_UNIX, 0 },
		{ AF_INET, WALL_INET },
		{ AF_INET6, WALL_INET },
		{ AF_NETLINK, WALL_LOOKUP },
	};
	unsigned int	 from = 0, i, k;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].flag != 0 && !(flags & known[i].flag))
			continue;
		for (k = from; k < known[i].family; k++)
			if (add(c, EPERMIT, "socket", 1,
			    when(0, SCMP_CMP_EQ, k, 0)) != 0)
				return -1;
		from = known[i].family + 1;
	}
	/* Also one of more than 32 bits, whose rest the kernel would take. */
	return add(c, EPERMIT, "socket", 1, when(0, SCMP_CMP_GE, from, 0));
}

static int
add_first(scmp_filter_ctx c, unsigned int flags)
{
	static const char *const	 memfd[] = { "memfd_create" };
	static const char *const	 nodes[] = { "mknod", "mknodat" };
	static const char *const	 clone3[] = { "clone3" };
	static const struct {
		const char	*call;
		unsigned int	 arg;
	} modes[] = {
		{ "chmod", 1 }, { "fchmod", 1 },
		{ "fchmodat", 2 }, { "fchmodat2", 2 },
	};
	size_t				 i;

	if (add_all(c, SCMP_ACT_KILL_PROCESS, LIST(deadly)) == -1 ||
	    add_all(c, EPERMIT, LIST(nodes)) == -1 ||
	    /* Its flags are in memory; the C library has another way. */
	    add_all(c, SCMP_ACT_ERRNO(ENOSYS), LIST(clone3)) == -1)
		return -1;
	/* A file that Landlock does not know could be executed. */
	if (flags & WALL_EXECUTE) {
		if (add_all(c, EPERMIT, LIST(memfd)) == -1)
			return -1;
	} else if (add_all(c, SCMP_ACT_KILL_PROCESS, LIST(executing)) == -1)
		return -1;
	for (i = 0; i < sizeof(fresh_namespaces) /
	    sizeof(fresh_namespaces[0]); i++)
		if (add(c, SCMP_ACT_KILL_PROCESS, "clone", 1,
		    when(CLONE_FLAGS, SCMP_CMP_MASKED_EQ, fresh_namespaces[i],
		    fresh_namespaces[i])) != 0)
			return -1;
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (add(c, EPERMIT, modes[i].call, 1, when(modes[i].arg,
		    SCMP_CMP_MASKED_EQ, S_ISUID, S_ISUID)) != 0)
			return -1;
	/* Reading it is this one. */
	if (add(c, SCMP_ACT_KILL_PROCESS, "personality", 1,
	    when(0, SCMP_CMP_NE, 0xffffffffU, 0)) != 0 ||
	    add(c, SCMP_ACT_ERRNO(ENOTNAM), "prctl", 1,
	    when(0, SCMP_CMP_EQ, MARK, 0)) != 0)
		return -1;
	return add_families(c, flags);
}

static int
add_rest(scmp_filter_ctx c, unsigned int flags)
{
	if (add_all(c, SCMP_ACT_KILL_PROCESS, LIST(executing)) == -1 ||
	    add_all(c, EPERMIT, LIST(signalling)) == -1 ||
	    /* A process is known by its number when it runs: too late. */
	    add(c, EPERMIT, "tkill", 1,
	    when(1, SCMP_CMP_NE, SIGABRT, 0)) != 0 ||
	    add(c, EPERMIT, "tgkill", 1,
	    when(2, SCMP_CMP_NE, SIGABRT, 0)) != 0)
		return -1;
	return add_families(c, flags);
}

/*
 * Through a pipe, which has room for it: behind the first filter, after the
 * program executed itself anew, there are no files of memory.
 */
static ssize_t
export(scmp_filter_ctx c, void *out, size_t size)
{
	ssize_t	 n = -1, k;
	int	 fd[2];

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	if (seccomp_export_bpf(c, fd[1]) == 0)
		for (n = 0; (size_t)n < size; n += k)
			if ((k = read(fd[0], (char *)out + n,
			    size - (size_t)n)) <= 0)
				break;
	io_close(fd[0]);
	io_close(fd[1]);
	return n;
}

/* 0 with what seccomp(2) takes, to be freed; -1 with errno. */
static int
make(int (*add_rules)(scmp_filter_ctx, unsigned int), unsigned int flags,
    struct sock_fprog *p)
{
	const size_t	 size = FILTER_MAX * sizeof(*p->filter);
	scmp_filter_ctx	 c = seccomp_init(SCMP_ACT_ALLOW);
	ssize_t		 n = -1;

	p->filter = xmalloc(size);
	if (c != NULL) {
		/* A search tree, where this version has it. */
		(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		(void)seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH,
		    SCMP_ACT_KILL_PROCESS);
		if (add_rules(c, flags) == 0)
			n = export(c, p->filter, size);
		seccomp_release(c);
	}
	if (n > 0) {
		p->len = (unsigned short)((size_t)n / sizeof(*p->filter));
		return 0;
	}
	free(p->filter);
	p->filter = NULL;
	errno = ENOSYS;
	return -1;
}

/* What seccomp(2) meant for speculation, until Linux 5.16, made all slower. */
static int
load(struct sock_fprog *p)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_SPEC_ALLOW, p);
}

static bool
marked(void)
{
	return prctl((int)MARK, 0, 0, 0, 0) == -1 && errno == ENOTNAM;
}

int
wall_calls_forbid(unsigned int flags)
{
	struct sock_fprog	 first;
	int			 r;

	if (rest.len == 0 && make(add_rest, flags & WALL_EXECUTE ? 0 : flags,
	    &rest) == -1)
		return -1;
	if ((loaded = marked()))
		return 0;
	if (make(add_first, flags, &first) == -1)
		return -1;
	r = load(&first);
	free(first.filter);
	loaded = r == 0;
	return r;
}

int
wall_calls_forbid_rest(void)
{
	return loaded ? load(&rest) : 0;
}

#else

int
wall_calls_forbid(unsigned int flags)
{
	(void)flags;
	errno = ENOSYS;
	return -1;
}

int
wall_calls_forbid_rest(void)
{
	return 0;
}

#endif
