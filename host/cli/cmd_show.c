/* cmd_show.c -- fecit show: found statements for the eye. What comes out of an archive
 * may hold anything: no control character reaches the terminal. */
#include "../base/utf8.h"
#include "../fecit.h"
#include "../records.h"
#include "args.h"
#include "show_text.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char help[] =
    "fecit show [options] OUT...\n"
    "\n"
    "Prints the statements found by fecit score as a table, one line each: p (how "
    "surely it\n"
    "is a statement), class, language, document, text. On a terminal the text is cut "
    "to its\n"
    "width; in a pipe or a file it is whole.\n"
    "\n"
    "Which\n"
    "      --class C       asserted, hedged or denied\n"
    "      --lang CODE     language of the document (ar, en ...)\n"
    "      --min-p P       p >= P\n"
    "      --doc ID        one document\n"
    "      --act WORD      cyber, information, espionage, covert, kinetic, abuse, "
    "other\n"
    "      --accused CODE  a state that is accused, by ISO code (RU, CN ...), and\n"
    "      --accuser CODE  likewise the accuser: for results that have codes\n"
    "      --limit N       at most N statements\n"
    "How\n"
    "      --sort KEY      order (as in the archive, default) or p (surest first)\n"
    "      --full          a block for each statement, with the whole text\n"
    "      --json          JSON lines with every field of the row (the hash in hex)\n"
    "      --count         only how many, by language and class\n"
    "  -h, --help\n"
    "\n"
    "Examples\n"
    "  fecit show results --sort p --limit 20\n"
    "  fecit show results --lang fa --class denied --full\n"
    "  fecit show night-1 night-2 --json --min-p .9 | jq -r .text\n"
    "\n"
    "Exit codes: 0 done, also when nothing was found; 1 usage; 2 results missing or\n"
    "damaged; 4 output failed.\n";

enum option_code {
    OPT_CLASS = 256,
    OPT_LANG,
    OPT_MIN_P,
    OPT_DOC,
    OPT_ACCUSED,
    OPT_ACCUSER,
    OPT_ACT,
    OPT_LIMIT,
    OPT_SORT,
    OPT_FULL,
    OPT_JSON,
    OPT_COUNT,
};

static const struct option long_options[] = {
    {"class", required_argument, NULL, OPT_CLASS},
    {"lang", required_argument, NULL, OPT_LANG},
    {"min-p", required_argument, NULL, OPT_MIN_P},
    {"doc", required_argument, NULL, OPT_DOC},
    {"accused", required_argument, NULL, OPT_ACCUSED},
    {"accuser", required_argument, NULL, OPT_ACCUSER},
    {"act", required_argument, NULL, OPT_ACT},
    {"limit", required_argument, NULL, OPT_LIMIT},
    {"sort", required_argument, NULL, OPT_SORT},
    {"full", no_argument, NULL, OPT_FULL},
    {"json", no_argument, NULL, OPT_JSON},
    {"count", no_argument, NULL, OPT_COUNT},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum show_style { SHOW_TABLE, SHOW_FULL, SHOW_JSON, SHOW_COUNT };

struct found { /* one statement kept for sorting */
    double p;
    size_t order;
    struct record row;
};

struct language_count {
    char code[24];
    uint64_t labels[FECIT_LABELS], all;
};

struct show {
    const char *label, *lang, *doc, *accused, *accuser, *act;
    double min_p;
    uint64_t limit; /* 0 = none */
    bool by_p;
    enum show_style style;
    int width; /* of the terminal; 0 = none */
    bool colour;
    uint64_t seen, shown;
    bool named;         /* some row has the code of an accused or accuser */
    bool acts;          /* some row names an act */
    struct found *kept; /* [n_kept] with by_p */
    size_t n_kept, kept_room;
    struct language_count *languages; /* [n_languages] with SHOW_COUNT */
    size_t n_languages, languages_room;
    struct bytes line; /* what is printed next */
};

/* ---- which rows ----------------------------------------------------------------- */

static bool text_is(struct record map, const char *key, const char *want)
{
    const char *text;
    size_t size;

    return record_text(map, key, &text, &size) && size == strlen(want) &&
           strncasecmp(text, want, size) == 0;
}

/* Whether one of the states in the list `key` has this code; NULL: any at all. */
static bool names(struct record row, const char *key, const char *code)
{
    struct record list, state;
    const char *text;
    size_t size;

    if (!record_get(row, key, &list) || list.kind != RECORD_LIST) return false;
    while (record_step(&list, &state))
        if (code ? text_is(state, "code", code)
                 : record_text(state, "code", &text, &size))
            return true;
    return false;
}

static bool wanted(const struct show *s, struct record row)
{
    struct record id;

    if (s->label && !text_is(row, "class", s->label)) return false;
    if (s->lang && !text_is(row, "lang", s->lang)) return false;
    if (s->min_p > 0 && !(record_number(row, "p") >= s->min_p)) return false;
    if (s->doc && (!record_get(row, "doc_id", &id) || id.kind != RECORD_TEXT ||
                   id.size != strlen(s->doc) || memcmp(id.text, s->doc, id.size) != 0))
        return false;
    if (s->accused && !names(row, "accused", s->accused)) return false;
    if (s->accuser && !names(row, "accuser", s->accuser)) return false;
    return !s->act || text_is(row, "act", s->act);
}

/* ---- printing ------------------------------------------------------------------- */

static const char *colour_of(struct record row)
{
    return text_is(row, "class", "asserted") ? "\033[31m"
           : text_is(row, "class", "hedged") ? "\033[33m"
                                             : "\033[36m";
}

/* The text of `key` in exactly `width` columns (0: all of it, unpadded). */
static enum fecit_status push_column(struct show *s, struct record row, const char *key,
                                     int width)
{
    enum fecit_status st = FECIT_OK;
    const char *text = "";
    size_t size = 0;
    int used;

    if (!record_text(row, key, &text, &size)) size = 0;
    TRY(show_text_push(&s->line, text, size, width, s->width > 0, &used));
    for (; used < width; used++)
        TRY(bytes_push(&s->line, " ", 1));
done:
    return st;
}

static void print_line(struct show *s)
{
    fwrite(s->line.data, 1, s->line.size, stdout);
    s->line.size = 0;
}

enum { ID_WIDTH = 20, BEFORE_TEXT = 5 + 2 + 8 + 2 + 4 + 2 + ID_WIDTH + 2 };

static void print_table_head(const struct show *s)
{
    printf("%s%5s  %-8s  %-4s  %-*s  %s%s\n", s->colour ? "\033[1m" : "", "p", "class",
           "lang", ID_WIDTH, "doc_id", "text", s->colour ? "\033[0m" : "");
}

static enum fecit_status print_table_row(struct show *s, struct record row)
{
    enum fecit_status st = FECIT_OK;
    const int left = s->width - BEFORE_TEXT;

    TRY(bytes_print(&s->line, "%5.3f  %s", record_number(row, "p"),
                    s->colour ? colour_of(row) : ""));
    TRY(push_column(s, row, "class", 8));
    TRY(bytes_print(&s->line, "%s  ", s->colour ? "\033[0m" : ""));
    TRY(push_column(s, row, "lang", 4));
    TRY(bytes_push(&s->line, "  ", 2));
    TRY(push_column(s, row, "doc_id", ID_WIDTH));
    TRY(bytes_push(&s->line, "  ", 2));
    TRY(push_column(s, row, "text", s->width == 0 ? 0 : left > 20 ? left : 20));
    while (s->line.data[s->line.size - 1] == ' ')
        s->line.size--;
    TRY(bytes_push(&s->line, "\n", 1));
    print_line(s);
done:
    return st;
}

/* "  accused  CN (Beijing), Moscow" when the row names any; without a code the text. */
static enum fecit_status push_states(struct show *s, struct record row, const char *key)
{
    enum fecit_status st = FECIT_OK;
    struct record list, state;
    const char *text;
    size_t size;

    if (!record_get(row, key, &list) || list.kind != RECORD_LIST || list.count == 0)
        return FECIT_OK;
    TRY(bytes_print(&s->line, "  %s ", key));
    for (const char *comma = " "; record_step(&list, &state); comma = ", ") {
        const bool code = record_text(state, "code", &text, &size);
        TRY(bytes_print(&s->line, "%s", comma));
        TRY(push_column(s, state, "code", 0));
        TRY(bytes_print(&s->line, code ? " (" : ""));
        TRY(push_column(s, state, "text", 0));
        TRY(bytes_print(&s->line, code ? ")" : ""));
    }
    TRY(bytes_print(&s->line, "\n"));
done:
    return st;
}

static enum fecit_status print_full(struct show *s, struct record row)
{
    static const char *const lists[] = {"accused", "accuser", "victim", "groups"};
    enum fecit_status st = FECIT_OK;
    struct record list, p;

    TRY(bytes_print(&s->line, "%s", s->colour ? colour_of(row) : ""));
    TRY(push_column(s, row, "class", 0));
    TRY(bytes_print(&s->line, "%s %.3f  ", s->colour ? "\033[0m" : "",
                    record_number(row, "p")));
    TRY(push_column(s, row, "lang", 0));
    TRY(bytes_print(&s->line, "  "));
    TRY(push_column(s, row, "doc_id", 0));
    TRY(bytes_print(&s->line, "  sentence %llu, bytes %llu-%llu ",
                    (unsigned long long)record_uint(row, "sent"),
                    (unsigned long long)record_uint(row, "start"),
                    (unsigned long long)record_uint(row, "end")));
    if (record_get(row, "p_class", &list))
        for (uint32_t i = 0; i < FECIT_LABELS && record_item(list, i, &p); i++)
            TRY(bytes_print(&s->line, " %s %.3f", fecit_label_name((enum fecit_label)i),
                            p.f));
    TRY(bytes_print(&s->line, "\n  "));
    TRY(push_column(s, row, "text", 0));
    TRY(bytes_print(&s->line, "\n"));
    for (int i = 0; i < 4; i++)
        TRY(push_states(s, row, lists[i]));
    if (record_get(row, "act", &list) && list.kind == RECORD_TEXT) {
        TRY(bytes_print(&s->line, "  act  "));
        TRY(push_column(s, row, "act", 0));
        TRY(bytes_print(&s->line, ", tie "));
        TRY(push_column(s, row, "tie", 0));
        TRY(bytes_print(&s->line, "\n"));
    }
    TRY(bytes_print(&s->line, "\n"));
    print_line(s);
done:
    return st;
}

static enum fecit_status print_row(struct show *s, struct record row)
{
    enum fecit_status st = FECIT_OK;

    if (s->style == SHOW_TABLE && s->shown == 0) print_table_head(s);
    s->shown++;
    if (s->style == SHOW_JSON) {
        TRY(show_json_push(&s->line, row));
        TRY(bytes_push(&s->line, "\n", 1));
        print_line(s);
    } else if (s->style == SHOW_FULL) {
        TRY(print_full(s, row));
    } else {
        TRY(print_table_row(s, row));
    }
done:
    return st;
}

/* ---- counts --------------------------------------------------------------------- */

/* The counts of a language, made when it is new. NULL when memory is short. */
static struct language_count *language_find(struct show *s, const char *lang,
                                            size_t size)
{
    struct language_count *found = s->languages;
    void *grown;

    for (size_t i = 0; i < s->n_languages; i++, found++)
        if (strlen(found->code) == size && !memcmp(found->code, lang, size))
            return found;
    grown = mem_grow(s->languages, &s->languages_room, s->n_languages + 1,
                     sizeof *s->languages);
    if (!grown) return NULL;
    s->languages = grown;
    found = &s->languages[s->n_languages++];
    *found = (struct language_count){0};
    memcpy(found->code, lang, size);
    return found;
}

static enum fecit_status count_row(struct show *s, struct record row)
{
    enum fecit_status st = FECIT_OK;
    struct language_count *count;
    const char *lang;
    size_t size;

    if (!record_text(row, "lang", &lang, &size) || size >= sizeof count->code) {
        lang = "?";
        size = 1;
    }
    TRY_MEM(count = language_find(s, lang, size));
    for (int i = 0; i < FECIT_LABELS; i++)
        if (text_is(row, "class", fecit_label_name((enum fecit_label)i)))
            count->labels[i]++;
    count->all++;
    s->shown++;
done:
    return st;
}

static int by_count(const void *a, const void *b)
{
    const struct language_count *x = a, *y = b;

    if (x->all != y->all) return x->all > y->all ? -1 : 1;
    return strcmp(x->code, y->code);
}

static enum fecit_status print_count(struct show *s, const struct language_count *c)
{
    enum fecit_status st = FECIT_OK;
    int used;

    TRY(show_text_push(&s->line, c->code, strlen(c->code), 0, s->width > 0, &used));
    for (; used < 8; used++)
        TRY(bytes_push(&s->line, " ", 1));
    for (int i = FECIT_ASSERTED; i < FECIT_LABELS; i++)
        TRY(bytes_print(&s->line, " %10llu", (unsigned long long)c->labels[i]));
    TRY(bytes_print(&s->line, " %10llu\n", (unsigned long long)c->all));
    print_line(s);
done:
    return st;
}

static enum fecit_status print_counts(struct show *s)
{
    enum fecit_status st = FECIT_OK;
    struct language_count all = {.code = "all"};

    if (s->n_languages == 0) return FECIT_OK;
    qsort(s->languages, s->n_languages, sizeof *s->languages, by_count);
    printf("%-8s %10s %10s %10s %10s\n", "lang", "asserted", "hedged", "denied", "all");
    for (size_t i = 0; i < s->n_languages; i++) {
        TRY(print_count(s, &s->languages[i]));
        for (int k = 0; k < FECIT_LABELS; k++)
            all.labels[k] += s->languages[i].labels[k];
        all.all += s->languages[i].all;
    }
    TRY(print_count(s, &all));
done:
    return st;
}

/* ---- files ---------------------------------------------------------------------- */

static bool full(const struct show *s)
{
    return s->limit > 0 && s->shown == s->limit && !s->by_p;
}

static enum fecit_status keep_row(struct show *s, struct record row)
{
    enum fecit_status st = FECIT_OK;
    void *grown = mem_grow(s->kept, &s->kept_room, s->n_kept + 1, sizeof *s->kept);

    TRY_MEM(grown);
    s->kept = grown;
    s->kept[s->n_kept] = (struct found){record_number(row, "p"), s->n_kept, row};
    s->n_kept++;
done:
    return st;
}

static enum fecit_status file_show(struct show *s, struct records *file)
{
    enum fecit_status st = FECIT_OK;
    struct record row, list;

    while (!full(s)) {
        st = records_next(file, &row);
        if (st == FECIT_END) return FECIT_OK;
        TRY(st);
        s->seen++;
        s->named =
            s->named || names(row, "accused", NULL) || names(row, "accuser", NULL);
        s->acts =
            s->acts || (record_get(row, "act", &list) && list.kind == RECORD_TEXT);
        if (!wanted(s, row)) continue;
        if (s->style == SHOW_COUNT)
            TRY(count_row(s, row));
        else if (s->by_p)
            TRY(keep_row(s, row));
        else
            TRY(print_row(s, row));
    }
done:
    return st;
}

static enum fecit_status folder_open(const char *folder, struct records **out)
{
    enum fecit_status st = FECIT_OK;
    struct bytes path = {0};

    TRY(bytes_print(&path, "%s/statements-00000.msgpack.part", folder));
    TRY(bytes_push(&path, "", 1));
    if (access((const char *)path.data, F_OK) == 0) {
        path.data[path.size - 6] = '\0';
        if (access((const char *)path.data, F_OK) != 0)
            FAIL(FECIT_E_INPUT,
                 "%s: the run is not finished; the same fecit score command starts it "
                 "again",
                 folder);
    }
    path.data[path.size - 6] = '\0';
    TRY(records_open((const char *)path.data, out));
done:
    bytes_clear(&path);
    return st;
}

static int by_p(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->p != y->p) return x->p > y->p ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static enum fecit_status folders_show(struct show *s, char **folders, int n)
{
    enum fecit_status st = FECIT_OK;
    struct records **files = mem_new((size_t)n, sizeof(struct records *));

    TRY_MEM(files);
    for (int i = 0; i < n; i++) /* all are there before the first line is printed */
        TRY(folder_open(folders[i], &files[i]));
    for (int i = 0; i < n; i++) {
        if (n > 1 && s->style < SHOW_JSON && !s->by_p && !full(s))
            printf("%s== %s ==\n", i > 0 ? "\n" : "", folders[i]);
        TRY(file_show(s, files[i]));
    }
    if (s->style == SHOW_COUNT) TRY(print_counts(s));
    if (s->n_kept > 0) qsort(s->kept, s->n_kept, sizeof *s->kept, by_p);
    for (size_t i = 0; i < s->n_kept && (s->limit == 0 || i < s->limit); i++)
        TRY(print_row(s, s->kept[i].row));
done:
    for (int i = 0; files && i < n; i++)
        records_close(files[i]);
    mem_free(files);
    return st;
}

/* ---- the command ---------------------------------------------------------------- */

static bool parse_option(int code, const char *text, struct show *s)
{
    long n = 0;

    switch (code) {
    case OPT_CLASS:
        if (strcmp(text, "asserted") && strcmp(text, "hedged") &&
            strcmp(text, "denied")) {
            args_usage("show", "--class wants asserted, hedged or denied, not \"%s\"",
                       text);
            return false;
        }
        s->label = text;
        break;
    case OPT_LANG:
        s->lang = text;
        break;
    case OPT_MIN_P:
        return args_number("show", "--min-p", text, 0, 1, &s->min_p);
    case OPT_DOC:
        s->doc = text;
        break;
    case OPT_ACCUSED:
        s->accused = text;
        break;
    case OPT_ACCUSER:
        s->accuser = text;
        break;
    case OPT_ACT:
        s->act = text;
        break;
    case OPT_LIMIT:
        if (!args_integer("show", "--limit", text, 1, 1L << 60, &n)) return false;
        s->limit = (uint64_t)n;
        break;
    case OPT_SORT:
        s->by_p = !strcmp(text, "p");
        if (!s->by_p && strcmp(text, "order") != 0) {
            args_usage("show", "--sort wants order or p, not \"%s\"", text);
            return false;
        }
        break;
    case OPT_FULL:
        s->style = SHOW_FULL;
        break;
    case OPT_JSON:
        s->style = SHOW_JSON;
        break;
    case OPT_COUNT:
        s->style = SHOW_COUNT;
        break;
    default:
        args_usage("show", "unknown or incomplete option");
        return false;
    }
    return true;
}

static void explain_nothing(const struct show *s)
{
    if (s->seen == 0)
        fprintf(stderr, "fecit show: no statement was found in this input\n");
    else if (((s->accused || s->accuser) && !s->named) || (s->act && !s->acts))
        fprintf(stderr, "fecit show: these results do not have the %s; leave out %s\n",
                s->act && !s->acts ? "acts" : "codes of states",
                s->act && !s->acts ? "--act" : "--accused and --accuser");
    else
        fprintf(stderr, "fecit show: none of %llu statements matches\n",
                (unsigned long long)s->seen);
}

int cmd_show(int argc, char **argv)
{
    struct show s = {0};
    const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
    enum fecit_status st;
    int code, result = EXIT_DONE;

    optind = 1;
    while ((code = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (code == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (!parse_option(code, optarg, &s)) return EXIT_USAGE;
    }
    if (optind == argc) return args_usage("show", "no result folder named");
    /* Column widths of texts need a UTF-8 locale; the texts are UTF-8 in any. */
    if (MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_DFL); /* `fecit show | head` ends without a word */
    s.width = args_terminal_width(stdout);
    s.colour = s.width > 0 && !(plain && *plain) && term && strcmp(term, "dumb") != 0;
    st = folders_show(&s, argv + optind, argc - optind);
    result = args_flush("show");
    if (result != EXIT_DONE) {
        /* nothing more to say */
    } else if (st != FECIT_OK) {
        result = args_failed("show", st);
    } else if (s.shown == 0) {
        explain_nothing(&s);
    }
    mem_free(s.kept);
    mem_free(s.languages);
    bytes_clear(&s.line);
    return result;
}
