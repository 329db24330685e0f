/* test_language.c -- the language of a text, short, long and mixed. All texts are our own. */
#include "language.h"
#include "scratch.h"

/* In a block of its own, so that a read beyond the text is noticed. */
static const char *of(const char *text, size_t size)
{
    char *exact = calloc(size ? size : 1, 1);
    const char *language;

    memcpy(exact, text, size);
    language = language_of(exact, size);
    free(exact);
    return language;
}

static const struct {
    const char *code, *text;
} texts[] = {
    {"en", "The harbour master said that the cranes had been idle for hours."},
    {"ar", "قال مدير الميناء إن الرافعات توقفت عن العمل تسع ساعات كاملة."},
    {"he", "מנהל הנמל אמר כי העגורנים עמדו תשע שעות ללא תנועה."},
    {"fa", "رئیس بندر گفت که اسکله نه ساعت بسته بود و ملوانان منتظر ماندند."},
    {"ru", "Начальник порта сообщил, что краны простаивали девять часов подряд."},
    {"uk", "Начальник порту повідомив, що крани простоювали дев'ять годин поспіль."},
    {"zh", "港口负责人表示,起重机已经停了九个小时,粮船一直在锚地等候。"},
    {"ja", "港長は、クレーンが九時間止まっていたと述べた。"},
    {"ko", "항만 책임자는 크레인이 아홉 시간 동안 멈춰 있었다고 말했다."},
    {"hi", "बंदरगाह प्रमुख ने कहा कि क्रेनें नौ घंटे तक बंद रहीं।"},
    {"th", "นายท่าเรือกล่าวว่าเครนหยุดทำงานเป็นเวลาเก้าชั่วโมง"},
    {"tr", "Liman başkanı, vinçlerin dokuz saat boyunca çalışmadığını söyledi."},
    {"de", "Der Hafenmeister sagte, dass die Kräne neun Stunden lang stillstanden."},
    {"fr", "Le capitaine du port a déclaré que les grues étaient restées à l'arrêt."},
    {"es", "El capitán del puerto dijo que las grúas estuvieron paradas nueve horas."},
};

static void test_languages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_string_equal(of(texts[i].text, strlen(texts[i].text)), texts[i].code);
}

static void test_nothing_to_tell(void **state)
{
    static const char blank[2000] = {0};
    char spaces[2000];

    (void)state;
    memset(spaces, ' ', sizeof spaces);
    assert_string_equal(of("", 0), "und");
    assert_string_equal(of("12345", 5), "und");
    assert_string_equal(of("?", 1), "und");
    assert_string_equal(of("🙂🙂🙂", 12), "und");
    assert_string_equal(of(spaces, sizeof spaces), "und");
    assert_string_equal(of(blank, sizeof blank), "und");
}

/* The look ends inside a code point at one of these lengths. */
static void test_long_texts(void **state)
{
    struct bytes {
        char data[6000];
        size_t size;
    } b = {.size = 0};
    const size_t n = strlen(texts[4].text);

    (void)state;
    while (b.size + n < sizeof b.data) {
        memcpy(b.data + b.size, texts[4].text, n);
        b.size += n;
    }
    for (size_t size = 500; size < 530; size++) {
        const size_t whole = (b.data[size] & 0xC0) == 0x80 ? size - 1 : size;
        assert_string_equal(of(b.data, whole), "ru");
    }
    for (size_t from = 0; from < 4; from += 2)
        assert_string_equal(of(b.data + from, b.size - from), "ru");
}

/* A short foreign head does not decide what a long text is. */
static void test_mixed(void **state)
{
    char text[6000];
    size_t size = 0;
    const size_t head = strlen(texts[0].text), body = strlen(texts[1].text);

    (void)state;
    while (size < 300) {
        memcpy(text + size, texts[0].text, head);
        size += head;
    }
    while (size + body < sizeof text) {
        memcpy(text + size, texts[1].text, body);
        size += body;
    }
    assert_string_equal(of(text, size), "ar");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_nothing_to_tell),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_mixed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
