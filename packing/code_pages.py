"""Guesses the code page of names: of a Western, Chinese, Japanese or Korean machine.

Every name has to be text in the code page. Of those in which they are, the one wins whose characters look most like
words: characters that schools teach, kana in Japanese, letters with accents inside Western words.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Sequence

# By Python's names; of equals the first wins.
CODE_PAGES = {
    "gbk": "GBK",
    "cp932": "Shift JIS",
    "cp950": "Big5",
    "cp949": "EUC-KR",
    "cp437": "code page 437",
}
_WESTERN, _JAPANESE = "cp437", "cp932"
# The first levels of the national standards, which hold the characters in daily use: their first bytes.
_LEVELS = (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6), ("cp932", 0x88, 0x98))
# Every Korean name in EUC-KR can be read as Chinese in GBK, and the other way round. The commonest tell them apart.
_SYLLABLES = frozenset(
    "가각간감강개거건검게겨결경계고곡공과관광교구국군권귀그극근금급기길김나남내너네노녀년뇨누는니다단달담당대더데도독동두드득든들등디따때떠라락란람랑래량러레려력련령로록료루류르른를리림"
    "마막만말매맥머먹메면명모목무문물미민바박반발방배백버번벌범법베벽변별병보복본봄부북분불비빈빙사산살삼상새색생서석선설성세소속손송수순술스습시식신실심아악안알암앙애액야약양어억언얼엄"
    "업에여역연열염영예오옥온와완왕외요용우운울움원월위유육율으은을음의이익인일임입자작잔잘장재저적전점정제조족존종좌주준줄중즉증지직진질집차착찬참창채책처천철청체초촌총최추축출충치친칠카"
    "캐커코크타탄탈태터테토통투트특티파판팔패편평포표풀품프피필하학한할함합항해행향허험현혈형호홍화환활황회효후훈휴흥희히힘개구름꽃닭돼말뱀새양염용원쥐코토호"
)
_HANZI = frozenset(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都然没日于起还发成事只作当想看文无开手用主行方又如前所本见经头面公"
    "同三已老从动两长知样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关"
    "并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物台象记"
    "边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联言权往展该领传近留红治决周保达办运武半候七必城父强步完革"
    "深区即求品士转量空甚众技轻程告江语英基派满式李息写呢识极令黄德收脸钱党倒未持取设始版双历越史商千片容研像找友孩站广改议形委早房音火际则首单据导影失拿网香似斯专石若兵弟谁校读志飞观争"
    "究包组造落视济喜离虽坏兴切热请店职图鱼鸟猫狗鸡鸭鹅牛羊猪兔虎狮熊猴鼠龙蛇虫树草木叶果苹桃梨米面包衣鞋帽车船机桌椅床灯窗照片图像训练测试数据新建文件夹类别样本素材春夏秋冬男女童雨雪船桥脸肺炎玫瑰锈病"
)
_TRADITIONAL = frozenset(
    "貓鳥魚雞鴨鵝馬龍蟲樹葉蘋車機燈圖訓練測試數據檔夾類別樣飛書學國來說們時會對開關電視頭臉門風雲橋讀寫語華東長張萬點還發這個與愛親見買賣醫療腦紅綠藍黃顏雛菊資料標籤影像蘭獅廚餘寶鋼鐵錶鞋褲裙動物植"
)
_EVERYDAY = {"gbk": _HANZI, "cp950": _HANZI | _TRADITIONAL}


def likeliest(names: Sequence[bytes]) -> str:
    """Return the code page in which these names look most like words, by Python's name of it."""
    return max(CODE_PAGES, key=lambda code_page: _score(names, code_page))


def _score(names: Sequence[bytes], code_page: str) -> float:
    try:
        return sum(_likeness(name.decode(code_page), code_page) for name in names)
    except UnicodeDecodeError:
        return float("-inf")


def _likeness(name: str, code_page: str) -> float:
    """Return how much a name looks like words: the sum over its characters, weighed by the bytes that they explain."""
    total = 0.0
    letters = [char for char in name if char.isalpha()]
    mostly_plain = 2 * sum(not char.isascii() for char in letters) <= len(letters)
    for place, char in enumerate(name):
        if char.isascii():
            continue
        before, after = name[place - 1 : place], name[place + 1 : place + 2]
        if code_page == _WESTERN:
            total += _western(char, before, after) if mostly_plain else -1.0
            continue
        packed = char.encode(code_page, "replace")
        # A second byte in ASCII may as well be a letter of its own.
        weight = len(packed) if packed[-1] >= 0x80 else 1
        beside = sum(0.3 for one in (before, after) if one.isascii() and one.isalpha())
        total += weight * (_eastern(char, code_page) - beside)
    return total


def _western(char: str, before: str, after: str) -> float:
    """Return how likely a letter with an accent is between these: inside a word."""
    if not char.isalpha() or unicodedata.name(char, "")[:5] != "LATIN":
        return -1.0
    beside = any(one.isascii() and one.isalpha() for one in (before, after))
    breaks_case = char.islower() and after.isascii() and after.isupper()
    return 1.0 if beside and not breaks_case else -1.0


@functools.lru_cache(maxsize=None)
def _eastern(char: str, code_page: str) -> float:
    """Return how common a character is in the languages of a code page."""
    point = ord(char)
    if 0x4E00 <= point <= 0x9FFF:
        common = char in _EVERYDAY.get(code_page, ())
        return (-2.0, 0.3, 0.8, 1.1)[_levels(char)] + (0.9 if common else 0.0)
    if 0xAC00 <= point <= 0xD7A3:
        lead, trail = char.encode("cp949")
        everyday = 0xB0 <= lead <= 0xC8 and trail >= 0xA1
        return (0.6 if everyday else -2.0) + (0.9 if char in _SYLLABLES else 0.0)
    if 0x3041 <= point <= 0x30FE:
        return 1.5 if code_page == _JAPANESE else -0.3
    if 0xFF61 <= point <= 0xFF9F:
        return -0.5  # katakana of half width, of which every byte of other code pages makes one
    if 0x3000 <= point <= 0x303F or 0xFF01 <= point <= 0xFF5E:
        return 0.3
    return -2.0 if unicodedata.category(char) in {"Co", "Cn", "Cc"} else -0.7


def _levels(char: str) -> int:
    """Return how many standards have a character of Han among those in daily use."""
    # What a standard lacks becomes a question mark.
    return sum(first <= char.encode(standard, "replace")[0] <= last for standard, first, last in _LEVELS)
